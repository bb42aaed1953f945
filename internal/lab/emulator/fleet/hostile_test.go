package fleet

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostile is an archive and whether it must be refused; others may be unpacked, inside their folder.
type hostile struct {
	name    string
	archive []byte
	refused bool
}

type entry struct {
	tar.Header
	content string
}

// zip makes a tar.gz of entries that Go can write.
func zip(entries ...entry) []byte {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	for _, e := range entries {
		if e.Typeflag == tar.TypeReg {
			e.Size = int64(len(e.content))
		}
		if files.WriteHeader(&e.Header) == nil {
			_, _ = io.WriteString(files, e.content)
		}
	}
	_, _ = files.Close(), zipped.Close()
	return out.Bytes()
}

func file(name string) entry {
	if strings.HasSuffix(name, "/") {
		return entry{tar.Header{Name: name, Typeflag: tar.TypeDir}, ""}
	}
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o777}, "hostile"}
}

func link(kind byte, name, target string) entry {
	return entry{tar.Header{Name: name, Typeflag: kind, Linkname: target}, ""}
}

var outside = []string{"../beside", "../../beside", "a/../../beside", "./../beside", "a/./../../beside", "..", "../", "../folder-not/beside",
	"a/b/../../../beside", "/beside", "//beside", "/tmp/../beside", "/proc/self/environ", "/dev/null", "/etc/passwd", "./.././beside",
	"a/../..", "../../../../../../../../../../beside", "/", "//../beside"}

var odd = []string{"..\\beside", "C:\\beside", "~/beside", "-rf", "a//b", "a/./b", "...", ".hidden", "a\nb", "a b", "\u202eexe", "%2e%2e/beside", "$HOME/beside", "a:b", "nul", "\xff\xfe"}

// cases are all of them, above 200.
func cases() []hostile {
	var all []hostile
	add := func(refused bool, name string, archive []byte) {
		all = append(all, hostile{name, archive, refused})
	}
	for _, name := range outside {
		add(true, "a file "+name, zip(file(name)))
		add(true, "good files, then "+name, zip(file("good"), file(name)))
	}
	for _, name := range odd {
		add(false, "a file "+name, zip(file(name)))
		add(false, "a folder "+name, zip(entry{tar.Header{Name: name + "/", Typeflag: tar.TypeDir}, ""}, file(name+"/x")))
	}
	for _, kind := range []byte{tar.TypeSymlink, tar.TypeLink} {
		for _, target := range append([]string{".", "x", "a", "/", "/etc", "good"}, outside...) {
			add(true, fmt.Sprintf("a link %c to %s", kind, target), zip(link(kind, "a", target)))
			add(true, fmt.Sprintf("through a link %c to %s", kind, target), zip(file("good"), link(kind, "a", target), file("a/beside")))
		}
	}
	for _, kind := range []byte{tar.TypeChar, tar.TypeBlock, tar.TypeFifo} {
		for _, name := range []string{"device", "../beside", "a/device"} {
			add(true, fmt.Sprintf("a device %c %s", kind, name), zip(entry{tar.Header{Name: name, Typeflag: kind, Devmajor: 1, Devminor: 3}, ""}))
		}
	}
	folder := entry{tar.Header{Name: "a/", Typeflag: tar.TypeDir}, ""}
	add(false, "a file twice", zip(file("a"), file("a")))
	add(true, "a file that becomes a folder", zip(file("a"), file("a/b")))
	add(true, "a folder that becomes a file", zip(file("a/b"), file("a")))
	add(false, "a folder twice", zip(folder, folder))
	add(true, "a long name", zip(file(strings.Repeat("x", 300))))
	add(true, "a long path", zip(file(strings.Repeat("long/", 400)+"x")))
	add(true, "many folders", zip(file(strings.Repeat("a/", 100)+"x")))
	return append(append(all, bombs()...), broken()...)
}

// Small limits for the test.
const (
	testBytes = 1 << 20
	testFiles = 50
)

func bombs() []hostile {
	var many, big []entry
	for i := range testFiles + 1 {
		many = append(many, file(fmt.Sprint("f", i)))
		big = append(big, entry{tar.Header{Name: fmt.Sprint("f", i), Typeflag: tar.TypeReg}, strings.Repeat("\x00", testBytes/40)})
	}
	large := entry{tar.Header{Name: "zeros", Typeflag: tar.TypeReg}, strings.Repeat("\x00", 2*testBytes)}
	return []hostile{
		{"many files", zip(many...), true}, {"many large files", zip(big...), true}, {"one large file", zip(large), true},
		{"a sparse file of a terabyte", sparse(), true},
	}
}

// sparse makes PAX's form of a file with a hole of a terabyte and no data.
func sparse() []byte {
	const records = "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n29 GNU.sparse.name=zeros-map\n35 GNU.sparse.realsize=1099511627776\n"
	block := func(name string, kind byte, size int) []byte {
		h := make([]byte, 512)
		copy(h, name)
		copy(h[100:], "0000644\x000000000\x000000000\x00")
		copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00", size))
		copy(h[148:], "        ")
		h[156] = kind
		copy(h[257:], "ustar\x0000")
		sum := 0
		for _, b := range h {
			sum += int(b)
		}
		copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
		return h
	}
	pad := func(text string) []byte { return append([]byte(text), make([]byte, 512-len(text))...) }
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	for _, b := range [][]byte{block("pax", 'x', len(records)), pad(records), block("zeros", '0', 512), pad("1\n1099511627776\n0\n"), make([]byte, 1024)} {
		_, _ = zipped.Write(b)
	}
	_ = zipped.Close()
	return out.Bytes()
}

// broken are a good archive's beginnings, and the same with one bit wrong.
func broken() []hostile {
	good := zip(file("a"), file("b/c"), entry{tar.Header{Name: "d/", Typeflag: tar.TypeDir}, ""})
	var all []hostile
	for i := range 40 {
		cut := len(good) * i / 40
		all = append(all, hostile{fmt.Sprint("cut at byte ", cut), good[:cut], cut >= 2})
		wrong := bytes.Clone(good)
		wrong[2+(len(good)-2)*i/40] ^= 1 << (i % 8)
		all = append(all, hostile{fmt.Sprint("a wrong bit ", i), wrong, false})
	}
	return all
}

func TestHostileArchivesWriteNothingOutside(t *testing.T) {
	all := cases()
	if len(all) < 200 {
		t.Fatalf("%d cases", len(all))
	}
	for _, c := range all {
		t.Run(c.name, func(t *testing.T) {
			top := t.TempDir()
			within := filepath.Join(top, "folder")
			if err := os.Mkdir(within, 0o700); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(within)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			err = unpackAll(root, bytes.NewReader(c.archive), testBytes, testFiles)
			if c.refused && err == nil {
				t.Error("it was unpacked")
			}
			inspect(t, top, within)
			if _, err := loadModel(bytes.NewReader(c.archive)); err == nil {
				t.Error("a model was found in it")
			}
		})
	}
}

// inspect sees that only within was written to, and only plain files and folders, within the bounds.
func inspect(t *testing.T, top, within string) {
	t.Helper()
	beside, err := os.ReadDir(top)
	if err != nil || len(beside) != 1 {
		t.Errorf("beside the folder: %v, %v", beside, err)
	}
	total := int64(0)
	err = filepath.WalkDir(within, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() && !info.Mode().IsRegular() {
			t.Errorf("%s is a %s", path, info.Mode())
		}
		if err == nil && !d.IsDir() {
			total += info.Size()
		}
		return err
	})
	if err != nil || total > testBytes+64<<10 {
		t.Errorf("%d bytes, %v", total, err)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, c := range cases()[:8] {
		f.Add(c.archive)
	}
	f.Add(sparse())
	f.Fuzz(func(t *testing.T, archive []byte) {
		top := t.TempDir()
		within := filepath.Join(top, "folder")
		if err := os.Mkdir(within, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(within)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_ = unpackAll(root, bytes.NewReader(archive), testBytes, testFiles)
		inspect(t, top, within)
	})
}
