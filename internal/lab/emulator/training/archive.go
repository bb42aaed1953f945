package training

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"betimes/internal/lab/emulator/objects"
)

// uploadFolder puts a folder into an object as tar.gz. An empty folder makes none, and says so.
func (r *Runner) uploadFolder(f *folder, dir, uri string) (bool, error) {
	bucket, key, err := Split(uri)
	if err != nil {
		return false, err
	}
	below, err := f.root.OpenRoot(dir)
	if err != nil {
		return false, fmt.Errorf("AlgorithmError: the program left no folder /opt/ml/%s: %w", dir, err)
	}
	defer below.Close()
	names, err := files(below)
	if err != nil || len(names) == 0 {
		return false, err
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(packFolder(writer, below, names)) }()
	_, err = r.Buckets.Put(bucket, objects.Info{Key: key, Headers: map[string]string{"Content-Type": "application/x-tar"}}, reader)
	_ = reader.CloseWithError(err) // ends packing that nobody reads
	if err != nil {
		return false, fmt.Errorf("ClientError: Artifact upload failed: %w", err)
	}
	return true, nil
}

// files are the regular files of a folder, in order; a link counts as what it
// points to, when that is inside. Sockets and pipes stay out.
func files(root *os.Root) ([]string, error) {
	var names []string
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := root.Stat(name)
		if err != nil {
			return fmt.Errorf("AlgorithmError: %s is a link to nothing inside the folder; write the file itself: %w", name, err)
		}
		if info.Mode().IsRegular() {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// packFolder holds no times and owners, so equal files are equal bytes.
func packFolder(w io.Writer, root *os.Root, names []string) error {
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	for _, name := range names {
		if err := packFile(archive, root, name); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), zipped.Close())
}

func packFile(archive *tar.Writer, root *os.Root, name string) error {
	file, err := openFile(root, name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	head := &tar.Header{Name: name, Mode: int64(info.Mode().Perm()), Size: info.Size()}
	if err := archive.WriteHeader(head); err != nil {
		return err
	}
	_, err = io.CopyN(archive, file, head.Size)
	return err
}

func (r *Runner) keepFile(below *os.Root, name, bucket, key string) error {
	file, err := openFile(below, name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = r.Buckets.Put(bucket, objects.Info{Key: key}, file)
	return err
}
