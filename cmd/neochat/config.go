package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/pelletier/go-toml/v2"
)

// useConfigFile makes the file that --config or NEOCHAT_CONFIG names give the
// values of flags that neither the command line nor the environment sets.
func useConfigFile(parser *kong.Kong, args []string) error {
	path := configPath(args)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no configuration file %s; `neochat config describe > %s` makes one", path, path)
	}
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	values := map[string]any{}
	var where *toml.DecodeError
	if err := toml.Unmarshal(text, &values); errors.As(err, &where) {
		return fmt.Errorf("the configuration file %s is not TOML:\n%s", path, where.String())
	} else if err != nil {
		return fmt.Errorf("the configuration file %s is not TOML: %w", path, err)
	}
	if err := checkKeys(path, values, parser); err != nil {
		return err
	}
	return kong.Resolvers(fileResolver(values)).Apply(parser)
}

// configPath finds the file before the command line is parsed, for parsing needs its values.
func configPath(args []string) string {
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			return v
		}
		if a == "--config" && i+1 < len(args) {
			return args[i+1]
		}
		if a == "--" {
			break
		}
	}
	if path := os.Getenv("NEOCHAT_CONFIG"); path != "" {
		return path
	}
	return toolsConfig(args)
}

// fileKey is the name of a flag in the configuration file.
func fileKey(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// fileFlags are the flags that the file may set: the server's.
func fileFlags(parser *kong.Kong) []*kong.Flag {
	for _, node := range parser.Model.Children {
		if node.Name == "serve" {
			return slices.DeleteFunc(slices.Clone(node.Flags), func(f *kong.Flag) bool { return f.Name == "help" })
		}
	}
	return nil
}

func checkKeys(path string, values map[string]any, parser *kong.Kong) error {
	known := map[string]*kong.Flag{}
	for _, f := range fileFlags(parser) {
		known[fileKey(f.Name)] = f
	}
	for key, v := range values {
		f, ok := known[key]
		if !ok {
			return fmt.Errorf("the configuration file %s has an unknown key %q; known are %s", path, key, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		if want := tomlType(f); fmt.Sprintf("%T", v) != want.kind {
			return fmt.Errorf("the configuration file %s: %s must be %s", path, key, want.name)
		}
	}
	return nil
}

// valueType is what a key's value must be: the Go type it is read as, and its name for people.
type valueType struct{ kind, name string }

func tomlType(f *kong.Flag) valueType {
	switch {
	case f.IsBool():
		return valueType{"bool", "true or false"}
	case f.Target.Kind() == reflect.Int:
		return valueType{"int64", "a whole number"}
	}
	return valueType{"string", "a text in quotes"}
}

func fileResolver(values map[string]any) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, env := range flag.Envs {
			if _, set := os.LookupEnv(env); set {
				return nil, nil
			}
		}
		if v, ok := values[fileKey(flag.Name)]; ok {
			return fmt.Sprint(v), nil
		}
		return nil, nil
	})
}

type describeCommand struct {
	Describe describeRun `cmd:"" help:"Print a configuration file with every key, its default and its meaning."`
}

type describeRun struct{}

// Run prints the sample.
func (describeRun) Run(parser *kong.Kong, std streams) error {
	fmt.Fprint(std.out, sampleConfig(parser))
	return nil
}

// sampleConfig is a TOML file in which every key stands, commented out, at its default.
func sampleConfig(parser *kong.Kong) string {
	var b strings.Builder
	b.WriteString("# NeoChat configuration. Every key stands here at its default; take the # off to change it.\n" +
		"# Use it with `neochat serve --config FILE`. A flag or an environment variable goes before the file.\n")
	for _, f := range fileFlags(parser) {
		fmt.Fprintf(&b, "\n# %s\n# (flag --%s, environment %s)\n", f.Help, f.Name, strings.Join(f.Envs, ", "))
		format := "#%s = %s\n"
		if tomlType(f).kind == "string" {
			format = "#%s = %q\n"
		}
		fmt.Fprintf(&b, format, fileKey(f.Name), f.Default)
	}
	return b.String()
}
