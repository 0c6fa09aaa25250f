package deploy

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// largest is what a binary may have, in bytes.
const largest = 45 << 20

// TestBinaries holds each binary to be static, for its processor, and small; and runs ours.
func TestBinaries(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		path := made(t, "neochat-*-linux-"+arch)
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Machine != machine {
			t.Errorf("%s is for %v", path, f.Machine)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s is not static: it has %v", path, p.Type)
			}
		}
		if info, err := os.Stat(path); err != nil || info.Size() > largest {
			t.Errorf("%s: %v, or more than %d bytes", path, err, largest)
		}
	}
	version := strings.TrimSpace(output(t, native(t), "--version"))
	if name := filepath.Base(native(t)); !strings.Contains(name, "-"+version+"-") {
		t.Errorf("%s says it is version %q", name, version)
	}
}

// TestSums lets sha256sum check what it summed up, and misses nothing.
func TestSums(t *testing.T) {
	output(t, "sh", "-c", "cd '"+dist+"' && sha256sum --check --strict SHA256SUMS")
	sums, err := os.ReadFile(filepath.Join(dist, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dist)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "SHA256SUMS" && !strings.Contains(string(sums), "  "+e.Name()+"\n") {
			t.Errorf("%s has no sum", e.Name())
		}
	}
}

// TestPackage looks into the Debian packages.
func TestPackage(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		deb := made(t, "neochat_*_"+arch+".deb")
		if got := strings.TrimSpace(output(t, "dpkg-deb", "-f", deb, "Architecture")); got != arch {
			t.Errorf("%s is for %s", deb, got)
		}
		dir := t.TempDir()
		output(t, "dpkg-deb", "-R", deb, dir)
		for path, mode := range map[string]os.FileMode{
			"usr/bin/neochat": 0o755, "lib/systemd/system/neochat.service": 0o644, "usr/share/neochat/neochat.toml": 0o644, "usr/share/doc/neochat/copyright": 0o644,
			"usr/share/doc/neochat/README.md": 0o644, "usr/share/doc/neochat/install.md": 0o644, "DEBIAN/postinst": 0o755, "DEBIAN/prerm": 0o755, "DEBIAN/postrm": 0o755,
		} {
			info, err := os.Stat(filepath.Join(dir, path))
			if err != nil || info.Mode().Perm() != mode || info.Size() == 0 {
				t.Errorf("%s: %v (%v), want mode %v", path, info, err, mode)
			}
			if strings.HasPrefix(path, "DEBIAN/") {
				output(t, "sh", "-n", filepath.Join(dir, path))
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "etc/neochat/neochat.toml")); err == nil {
			t.Error("the package brings a configuration, about which every upgrade would ask")
		}
	}
}
