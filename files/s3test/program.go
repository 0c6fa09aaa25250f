package s3test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// program is an object store that can be built and run here.
type program struct {
	name    string
	module  string // of its main package
	version string
	line    func(address, folder string) []string
	env     []string
}

// programs are those that Launch knows. versitygw keeps objects as files in its folder; MinIO in a form of its own.
var programs = map[string]program{
	"versitygw": {
		name: "versitygw", module: "github.com/versity/versitygw/cmd/versitygw", version: "v1.8.0",
		line: func(address, folder string) []string {
			return []string{"--port", address, "--quiet", "--region", region, "posix", folder}
		},
		env: []string{"ROOT_ACCESS_KEY=" + AccessKey, "ROOT_SECRET_KEY=" + SecretKey},
	},
	"minio": {
		name: "minio", module: "github.com/minio/minio", version: "v0.0.0-20260212201848-7aac2a2c5b7c",
		line: func(address, folder string) []string {
			return []string{"server", "--quiet", "--address", address, folder}
		},
		env: []string{"MINIO_ROOT_USER=" + AccessKey, "MINIO_ROOT_PASSWORD=" + SecretKey, "MINIO_SITE_REGION=" + region,
			"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1"}, // the last: on whatever disk there is
	},
}

// build returns the path of the program, which is made if it is missing. A file lock keeps
// several processes from building at once.
func (p program) build() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("a folder for the object store's program: %w", err)
	}
	dir := filepath.Join(cache, "neochat-tests", p.name+"-"+p.version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("a folder for the object store's program: %w", err)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("waiting for another build of the object store: %w", err)
	}
	path := filepath.Join(dir, p.name)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return path, err
	}
	cmd := exec.Command("go", "install", p.module+"@"+p.version)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the object store: %w\n%s", err, out)
	}
	return path, nil
}
