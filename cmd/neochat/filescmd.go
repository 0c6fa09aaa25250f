package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"neochat/backup"
	"neochat/files"
	"neochat/store"
)

// filesCommand is about where the bytes of files are kept.
type filesCommand struct {
	Copy   filesCopy   `cmd:"" help:"Copy all files from one place to another, folders and object stores alike, checked by their hashes. Cut off, or called again, it copies what is missing. The server may run meanwhile."`
	Verify filesVerify `cmd:"" help:"Find files that are missing, changed, or kept for nothing; works while the server runs."`
}

type filesCopy struct {
	From string `help:"What is copied: a folder (the server's is files in its data folder) or s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=yes&ca=FILE." required:"" env:"NEOCHAT_COPY_FILES_FROM" placeholder:"PLACE"`
	To   string `help:"Where to: a folder or s3://… too. The keys of a store that needs others than the source are in NEOCHAT_TO_S3_ACCESS_KEY and NEOCHAT_TO_S3_SECRET_KEY." required:"" env:"NEOCHAT_COPY_FILES_TO" placeholder:"PLACE"`
	Data string `help:"Folder of the server's data, for what is on its way to or from an object store." default:"data" env:"NEOCHAT_DATA"`
}

// Run copies.
func (c *filesCopy) Run(ctx context.Context, std streams) error {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return fmt.Errorf("the data folder: %w", err)
	}
	from, err := c.source(ctx, data)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := openPlace(ctx, "--to", c.To, data, keysOf("NEOCHAT_TO_"))
	if err != nil {
		return err
	}
	defer to.Close()
	target, sync := files.Target(to), func() error { return nil }
	if folder, ok := to.(*files.Folder); ok {
		batch := folder.Batch()
		target, sync = batch, batch.Sync
	}
	begun, shown := time.Now(), progress{out: std.err}
	done, err := files.Copy(ctx, from, target, func(n, of int64) { shown.step("files", n, of) })
	if err = errors.Join(err, sync()); err != nil {
		return explainCopy(done, err)
	}
	fmt.Fprintf(std.out, "Copied %d files, %s; %d, %s, were there already. It took %v.\n", done.Copied, inBytes(done.CopiedBytes),
		done.There, inBytes(done.ThereBytes), time.Since(begun).Round(time.Millisecond))
	for _, w := range done.Damaged {
		fmt.Fprintf(std.out, "DAMAGED, and not copied: %s (%s)\n", w.Hash, inBytes(w.Size))
	}
	if len(done.Damaged) > 0 {
		return fmt.Errorf("%d files of the source are damaged; a backup may have them, and `neochat files verify --deep` names them", len(done.Damaged))
	}
	fmt.Fprintln(std.out, "If the server ran meanwhile, stop it and call this again. Then start it with --files, or NEOCHAT_FILES, set to the target.")
	return nil
}

// source opens what is copied; a folder must be there, and is not touched.
func (c *filesCopy) source(ctx context.Context, data string) (blobs, error) {
	if samePlace(c.From, c.To) {
		return nil, errors.New("--from and --to are the same place")
	}
	if strings.Contains(c.From, "://") {
		return openPlace(ctx, "--from", c.From, data, os.Getenv)
	}
	if info, err := os.Stat(c.From); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("--from: %s is no folder", c.From)
	}
	return files.LookFolder(c.From), nil
}

func samePlace(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// keysOf reads the environment, and first what there begins with a prefix instead of NEOCHAT_.
func keysOf(prefix string) func(string) string {
	return func(name string) string {
		if rest, ours := strings.CutPrefix(name, "NEOCHAT_"); ours {
			if value := os.Getenv(prefix + rest); value != "" {
				return value
			}
		}
		return os.Getenv(name)
	}
}

func explainCopy(done files.Copied, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("the copy was stopped after %d files; the same command continues it", done.Copied)
	case errors.Is(err, files.ErrFull):
		return fmt.Errorf("copying: %w; make room, and the same command continues", err)
	}
	return fmt.Errorf("copying: %w; the same command continues it", err)
}

type filesVerify struct {
	Deep   bool `help:"Read the bytes of all files and compare their hashes too."`
	Repair bool `help:"Remove what is kept for nothing. The server must not run."`
	JSON   bool `name:"json" help:"Print it for programs; sizes in bytes."`

	whereFlags `embed:""`
}

// verified is what was found, as --json prints it.
type verified struct {
	Files   int64        `json:"files"` // contents that the database names
	Bytes   int64        `json:"bytes"` // of those that are there
	Missing []wrongFile  `json:"missing"`
	Changed []wrongFile  `json:"changed"`
	Orphans []orphanFile `json:"orphans"` // contents that no file has, and what is left of uploads
	Removed bool         `json:"removed"` // the orphans were
}

type wrongFile struct {
	Hash   string   `json:"hash"`
	Size   int64    `json:"size"` // -1: not known
	Reason string   `json:"reason"`
	Names  []string `json:"names"` // of files that have it, at most namesShown
}

type orphanFile struct {
	Name string    `json:"name"`
	Size int64     `json:"size"`
	Time time.Time `json:"time"`
}

const (
	namesShown   = 10
	orphansShown = 20 // without --json
)

// Run examines the files.
func (c *filesVerify) Run(ctx context.Context, std streams) error {
	src, at, err := c.source(ctx)
	if err != nil {
		return err
	}
	defer at.Close()
	if c.Repair {
		release, err := c.claim(ctx, src)
		if err != nil {
			return err
		}
		defer release()
	}
	shown := progress{out: std.err}
	found, err := c.examine(ctx, src, at, shown.step)
	if err != nil {
		return explainBackup("examining", err)
	}
	if c.JSON {
		encoder := json.NewEncoder(std.out)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(found)
	} else {
		found.print(std.out)
	}
	if err == nil && len(found.Missing)+len(found.Changed) > 0 {
		err = fmt.Errorf("%d files are missing and %d changed; a backup may have them: `neochat verify --from` and `neochat restore`", len(found.Missing), len(found.Changed))
	}
	return err
}

// claim keeps servers off the data until release is called.
func (c *filesVerify) claim(ctx context.Context, src backup.Source) (release func(), err error) {
	lock, err := lockData(src.Folder)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			lock.Close()
		}
	}()
	schema, err := store.LookAtSchema(ctx, src.Database)
	if err != nil {
		return nil, fmt.Errorf("the database: %w", err)
	}
	if len(schema.Pending) > 0 {
		return nil, errors.New("the database is that of an older neochat; start the server once, which brings it up to date, and then repair")
	}
	claimed, err := openStore(ctx, store.Config{Database: src.Database, Exclusive: true}, src.Folder, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return func() { claimed.Close(); lock.Close() }, nil
}

func (c *filesVerify) examine(ctx context.Context, src backup.Source, at blobs, shown backup.Progress) (found verified, err error) {
	compared, err := backup.VerifyFiles(ctx, src, c.Deep, shown)
	if err != nil {
		return found, err
	}
	found = verified{Files: compared.Files, Bytes: compared.Bytes, Missing: []wrongFile{}, Changed: []wrongFile{}, Orphans: []orphanFile{}, Removed: c.Repair}
	for _, of := range []struct {
		wrong []files.Wrong
		into  *[]wrongFile
	}{{compared.Missing, &found.Missing}, {compared.Changed, &found.Changed}} {
		for _, w := range of.wrong {
			names, err := store.NamesOf(ctx, src.Database, w.Hash, namesShown)
			if err != nil {
				return found, err
			}
			*of.into = append(*of.into, wrongFile{w.Hash, w.Size, w.Reason, names})
		}
	}
	for _, s := range compared.Unwanted {
		found.Orphans = append(found.Orphans, orphanFile{s.Hash, s.Size, s.Time})
		if c.Repair {
			if err := at.Remove(ctx, s.Hash); err != nil {
				return found, err
			}
		}
	}
	err = at.Strays(ctx, func(s files.Stray) error {
		found.Orphans = append(found.Orphans, orphanFile{s.Name, s.Size, s.Time})
		if c.Repair {
			return at.RemoveStray(ctx, s.Name)
		}
		return nil
	})
	return found, err
}

func (v *verified) print(out io.Writer) {
	for _, of := range []struct {
		what  string
		wrong []wrongFile
	}{{"MISSING", v.Missing}, {"CHANGED", v.Changed}} {
		for _, w := range of.wrong {
			size := fmt.Sprintf("%d bytes", w.Size)
			if w.Size < 0 {
				size = "a preview, which is made anew when somebody asks for it"
			}
			fmt.Fprintf(out, "%s: %s (%s): %s; it belongs to %s\n", of.what, w.Hash, size, w.Reason, strings.Join(w.Names, ", "))
		}
	}
	var bytes int64
	for i, o := range v.Orphans {
		if bytes += o.Size; i < orphansShown {
			fmt.Fprintf(out, "orphan: %s (%s) of %s\n", o.Name, inBytes(o.Size), o.Time.UTC().Format(time.RFC3339))
		} else if i == orphansShown {
			fmt.Fprintln(out, "orphan: and more, which --json lists")
		}
	}
	fmt.Fprintf(out, "%d files were looked for, and %s of them found; %d missing, %d changed.\n", v.Files, inBytes(v.Bytes), len(v.Missing), len(v.Changed))
	switch {
	case len(v.Orphans) == 0:
	case v.Removed:
		fmt.Fprintf(out, "%d things that were kept for nothing, %s, are removed.\n", len(v.Orphans), inBytes(bytes))
	default:
		fmt.Fprintf(out, "%d things, %s, are kept for nothing. A running server removes them within a few days; --repair does it at once.\n", len(v.Orphans), inBytes(bytes))
	}
}
