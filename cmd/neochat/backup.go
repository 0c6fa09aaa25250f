package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"neochat/backup"
	"neochat/files"
	"neochat/store"
)

// besideDatabase is what of the data folder belongs to a backup, beside database and files: what clients know this server
// by. The lock, the control socket, calls that go on and unfinished uploads are of a running server alone.
func besideDatabase() []string { return []string{"relay.key", "certificates"} }

// whereFlags name a server's data, as serve's do.
type whereFlags struct {
	Data     string `help:"Folder of the server's data." default:"data" env:"NEOCHAT_DATA"`
	Database string `help:"The server's --database, if it has one." default:"" env:"NEOCHAT_DATABASE"`
	Files    string `help:"The server's --files, if it has some." default:"" env:"NEOCHAT_FILES"`
}

type backupCommand struct {
	To   string `help:"Folder of the backup; made if missing. It has any number of snapshots, which share the bytes of files." required:"" env:"NEOCHAT_BACKUP" placeholder:"FOLDER" type:"path"`
	Keep int    `help:"How many of the newest snapshots stay; 0: all." default:"0" env:"NEOCHAT_BACKUP_KEEP"`

	whereFlags `embed:""`
}

type restoreCommand struct {
	From     string `help:"Folder of the backup." required:"" env:"NEOCHAT_BACKUP" placeholder:"FOLDER" type:"path"`
	Snapshot string `help:"Which one; nothing means the newest." placeholder:"NAME"`

	whereFlags `embed:""`
}

type verifyCommand struct {
	From     string `help:"Folder of a backup. Without it the server's own data are examined." placeholder:"FOLDER" type:"path"`
	Snapshot string `help:"Which one of the backup; nothing means all." placeholder:"NAME"`
	Hashes   bool   `help:"Read the bytes of all files of the server too. Of a backup they are always read."`

	whereFlags `embed:""`
}

// source opens the data to be read. The caller closes the place of the files.
func (c *whereFlags) source(ctx context.Context) (src backup.Source, at blobs, err error) {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return src, nil, fmt.Errorf("the data folder: %w", err)
	}
	src = backup.Source{Program: version, Database: databaseName(c.Database, data), Folder: data, Beside: besideDatabase()}
	if store.IsFile(src.Database) {
		if _, err := os.Stat(src.Database); err != nil {
			return src, nil, fmt.Errorf("there is no database: %w; say where the data are with --data or --database", err)
		}
	}
	if !strings.Contains(c.Files, "://") {
		at = files.LookFolder(filesFolder(c.Files, data))
	} else if at, err = openBlobs(ctx, c.Files, data); err != nil {
		return src, nil, err
	}
	src.Blobs = at
	return src, at, nil
}

// Run makes a snapshot.
func (c *backupCommand) Run(ctx context.Context, std streams) error {
	if c.Keep < 0 {
		return errors.New("--keep is 0 or more")
	}
	src, at, err := c.source(ctx)
	if err != nil {
		return err
	}
	defer at.Close()
	begun, shown := time.Now(), progress{out: std.err}
	made, err := backup.Make(ctx, c.To, src, c.Keep, shown.step)
	if err != nil {
		return explainBackup("the backup", err)
	}
	fmt.Fprintf(std.out, "Snapshot %s of %s: schema %d, %d messages, up to change %d.\n", made.Name, made.From, made.Schema, rowsOf(made.Tables, "messages"), made.Change)
	fmt.Fprintf(std.out, "Database %s; %d files, %s, of which %d, %s, were new. It took %v.\n", inBytes(made.Database.Size), made.Blobs, inBytes(made.Bytes),
		made.Copied, inBytes(made.CopiedBytes), time.Since(begun).Round(time.Millisecond))
	if len(made.Removed) > 0 {
		fmt.Fprintf(std.out, "Removed %s, and %d files, %s, that nothing needs any more.\n", strings.Join(made.Removed, ", "), made.Freed, inBytes(made.FreedBytes))
	}
	if len(made.Missing) > 0 {
		return fmt.Errorf("the snapshot is kept, but %d files of the server are missing or damaged and are not in it; `neochat verify --hashes` names them, and an older snapshot may have them", len(made.Missing))
	}
	return nil
}

// Run restores into an empty folder.
func (c *restoreCommand) Run(ctx context.Context, std streams) error {
	if _, err := os.Stat(c.From); err != nil {
		return fmt.Errorf("the backup: %w", err)
	}
	data, err := openData(c.Data)
	if err != nil {
		return err
	}
	lock, err := lockData(data)
	if err != nil {
		return err
	}
	defer lock.Close()
	to := backup.Target{Folder: data, Ignore: []string{"lock", "lost+found"}, Database: databaseName(c.Database, data)}
	to.Blobs = func(ctx context.Context) (backup.Blobs, error) { return openBlobs(ctx, c.Files, data) }
	begun, shown := time.Now(), progress{out: std.err}
	r, err := backup.Restore(ctx, c.From, c.Snapshot, to, shown.step)
	if errors.Is(err, backup.ErrNotEmpty) {
		return fmt.Errorf("nothing was restored: %w; choose an empty folder with --data", err)
	}
	if err != nil {
		return explainBackup("restoring", err)
	}
	fmt.Fprintf(std.out, "Restored %s: %d accounts, %d messages, %d files, %s; every digest is right. It took %v.\n", r.Name, rowsOf(r.Tables, "users"),
		rowsOf(r.Tables, "messages"), r.Blobs-int64(len(r.Missing)), inBytes(r.Bytes), time.Since(begun).Round(time.Millisecond))
	if len(r.Missing) > 0 {
		fmt.Fprintf(std.out, "%d files were lost before the snapshot was made.\n", len(r.Missing))
	}
	fmt.Fprintf(std.out, "It has everything up to %s; what came later is not in it.\n", r.Time.Format(time.RFC3339))
	return nil
}

// Run examines a backup or the data.
func (c *verifyCommand) Run(ctx context.Context, std streams) error {
	shown := progress{out: std.err}
	var e backup.Examined
	var err error
	if c.From != "" {
		e, err = backup.Verify(ctx, c.From, c.Snapshot, shown.step)
	} else {
		e, err = c.data(ctx, shown.step)
	}
	if err != nil {
		return explainBackup("examining", err)
	}
	printSnapshots(std.out, e.Snapshots)
	for _, w := range e.Wrong {
		fmt.Fprintln(std.out, "WRONG:", w)
	}
	fmt.Fprintf(std.out, "%d files, %s, were looked at; %d files, %s, belong to nothing.\n", e.Blobs, inBytes(e.Bytes), e.Orphans, inBytes(e.OrphanBytes))
	if len(e.Wrong) > 0 {
		return fmt.Errorf("%d things are wrong", len(e.Wrong))
	}
	fmt.Fprintln(std.out, "Everything is right.")
	return nil
}

func (c *verifyCommand) data(ctx context.Context, shown backup.Progress) (backup.Examined, error) {
	if c.Snapshot != "" {
		return backup.Examined{}, errors.New("--snapshot is of a backup: say --from")
	}
	src, at, err := c.source(ctx)
	if err != nil {
		return backup.Examined{}, err
	}
	defer at.Close()
	return backup.VerifyData(ctx, src, c.Hashes, shown)
}

func printSnapshots(out io.Writer, all []backup.Manifest) {
	if len(all) == 0 {
		return
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SNAPSHOT\tSCHEMA\tACCOUNTS\tMESSAGES\tDATABASE\tFILES\tBYTES")
	for _, m := range all {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%d\t%s\n", m.Name, m.Schema, rowsOf(m.Tables, "users"), rowsOf(m.Tables, "messages"), inBytes(m.Database.Size), m.Blobs, inBytes(m.Bytes))
	}
	w.Flush()
}

func rowsOf(tables []store.Table, name string) int64 {
	for _, t := range tables {
		if t.Name == name {
			return t.Rows
		}
	}
	return 0
}

// inBytes is a number of bytes for people.
func inBytes(bytes int64) string {
	switch {
	case bytes >= 10<<30:
		return fmt.Sprintf("%d GiB", bytes>>30)
	case bytes >= 10<<20:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes >= 10<<10:
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// explainBackup says what to do about what went wrong.
func explainBackup(what string, err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s was stopped; the same command begins again, and copies no file twice", what)
	case errors.Is(err, backup.ErrBusy):
		return fmt.Errorf("%s: %w; wait for it", what, err)
	case errors.Is(err, files.ErrFull):
		return fmt.Errorf("%s: %w; make room or choose another place", what, err)
	case errors.Is(err, store.ErrNewerSchema):
		return fmt.Errorf("%s: %w: use the newer neochat that wrote it", what, err)
	case errors.Is(err, backup.ErrDamaged):
		return fmt.Errorf("%s: %w; `neochat verify --from` tells which snapshots are whole, --snapshot chooses one", what, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w; run it as the user that the server runs as", what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// refuseRestoring keeps a server off a folder that is partly restored.
func refuseRestoring(data string) error {
	name, err := backup.Restoring(data)
	if err == nil && name != "" {
		err = fmt.Errorf("the data folder %s is partly restored from the snapshot %s; complete that with the same `neochat restore`, or empty the folder", data, name)
	}
	return err
}
