//go:build !linux

package doctor

import "os"

// JudgeDisk looks at the room where a folder is; only Linux is asked.
func JudgeDisk(string) Finding {
	return skipped("disk", "only Linux is asked for the room on a disk")
}

// TryFolder tells whether this process may write to a folder.
func TryFolder(path string) error {
	f, err := os.CreateTemp(path, ".doctor-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	return f.Close()
}
