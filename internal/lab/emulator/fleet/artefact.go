package fleet

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"betimes/internal/lab/learn"
)

// Limits of a model archive.
const (
	maxArchiveBytes = 4 << 30
	maxArchiveFiles = 10000
	maxModelBytes   = 512 << 20
	maxNameBytes    = 1024 // a path inside an archive
	maxFolders      = 64   // one in another
)

// loadModel finds the model in an artefact: model.tar.gz with a file that
// isModel inside, or the model file itself.
func loadModel(r io.Reader) (learn.Model, error) {
	buffered := bufio.NewReader(r)
	if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
		return learn.Load(io.LimitReader(buffered, maxModelBytes))
	}
	zipped, err := gzip.NewReader(buffered)
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(io.LimitReader(zipped, maxArchiveBytes))
	for {
		head, err := archive.Next()
		if err == io.EOF {
			return nil, errors.New("the archive holds no model.json, xgboost-model, .ubj or model.txt (LightGBM)")
		}
		if err != nil {
			return nil, err
		}
		if head.Typeflag == tar.TypeReg && isModel(path.Base(head.Name)) {
			return learn.Load(io.LimitReader(archive, maxModelBytes))
		}
	}
}

func isModel(name string) bool {
	return name == "xgboost-model" || name == "model.txt" || strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".ubj")
}

// unpack puts the artefact into dir, and nothing beside it: an archive's files, or the one file as name.
func unpack(r io.Reader, dir, name string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	buffered := bufio.NewReader(r)
	if magic, _ := buffered.Peek(2); string(magic) != "\x1f\x8b" {
		return writeTo(root, name, 0o600, buffered)
	}
	return unpackAll(root, buffered, maxArchiveBytes, maxArchiveFiles)
}

// unpackAll counts bytes twice: as they come out of gzip, and as files get them. A sparse file has far more of these.
func unpackAll(root *os.Root, r io.Reader, maxBytes int64, maxFiles int) error {
	zipped, err := gzip.NewReader(r)
	if err != nil {
		return err
	}
	unzipped := &capped{r: zipped, left: maxBytes, limit: maxBytes}
	archive := tar.NewReader(unzipped)
	content := &capped{r: archive, left: maxBytes, limit: maxBytes}
	for n := 0; ; n++ {
		head, err := archive.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, unzipped) // to gzip's checksum
			return err
		}
		if err == nil && n == maxFiles {
			err = fmt.Errorf("it holds more than %d files", maxFiles)
		}
		if err == nil {
			err = unpackOne(root, head, content)
		}
		if err != nil {
			return err
		}
	}
}

// unpackOne writes a file or folder. Links and devices are refused: a model needs none.
func unpackOne(root *os.Root, head *tar.Header, content io.Reader) error {
	name := path.Clean(strings.TrimPrefix(head.Name, "./"))
	if len(name) > maxNameBytes || strings.Count(name, "/") > maxFolders {
		return fmt.Errorf("%.40q… is a path of more than %d bytes or %d folders", name, maxNameBytes, maxFolders)
	}
	switch head.Typeflag {
	case tar.TypeDir:
		if name == "." {
			return nil
		}
		return root.MkdirAll(name, 0o700)
	case tar.TypeReg:
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return err
		}
		return writeTo(root, name, fs.FileMode(head.Mode)&0o700|0o600, content)
	}
	return fmt.Errorf("%q is neither file nor folder", head.Name)
}

func writeTo(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// capped fails, instead of ending, when more is read than allowed.
type capped struct {
	r           io.Reader
	left, limit int64
}

// Read reads on.
func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n, fmt.Errorf("it unpacks to more than %d bytes", c.limit)
	}
	return n, err
}
