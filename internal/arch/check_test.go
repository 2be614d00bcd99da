package arch

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A rule says what a package may import. The zero rule allows the standard
// library and other modules, and nothing of ours.
type rule struct {
	imports      []string // these packages of ours, by their folder
	anyExcept    []string // where not nil: all of ours but these and what lies below them
	standardOnly bool     // the standard library alone
}

// A pkg is the non-test part of one folder of the module.
type pkg struct {
	path  string // slash-separated folder, relative to the module's root
	files []file
}

type file struct {
	path    string
	doc     string // the package comment
	imports []string
	lines   int
}

// load reads all non-test Go files of the module in fsys. As the go command
// does, it passes over testdata, nested modules, and names that begin with a
// dot or an underscore.
func load(fsys fs.FS) ([]pkg, error) {
	var pkgs []pkg
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && passOver(fsys, name) {
				return fs.SkipDir
			}
			return nil
		}
		base := path.Base(name)
		if path.Ext(base) != ".go" || strings.HasSuffix(base, "_test.go") || strings.ContainsAny(base[:1], "._") {
			return nil
		}
		f, err := loadFile(fsys, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		i := slices.IndexFunc(pkgs, func(p pkg) bool { return p.path == dir })
		if i < 0 {
			i = len(pkgs)
			pkgs = append(pkgs, pkg{path: dir})
		}
		pkgs[i].files = append(pkgs[i].files, f)
		return nil
	})
	return pkgs, err
}

func passOver(fsys fs.FS, dir string) bool {
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || strings.ContainsAny(base[:1], "._") {
		return true
	}
	_, err := fs.Stat(fsys, path.Join(dir, "go.mod"))
	return err == nil
}

func loadFile(fsys fs.FS, name string) (file, error) {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return file{}, err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return file{}, err
	}
	f := file{path: name, doc: syntax.Doc.Text(), lines: bytes.Count(src, []byte("\n"))}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

// check returns one line for each rule that is broken.
func check(pkgs []pkg) []string {
	var broken []string
	for _, p := range pkgs {
		r, known := allowed[p.path]
		if !known {
			broken = append(broken, p.path+": unknown package: add a row to the table `allowed` in internal/arch/arch_test.go")
		}
		broken = append(broken, checkDoc(p)...)
		for _, f := range p.files {
			if f.lines > maxLines {
				broken = append(broken, fmt.Sprintf("%s: %d lines, at most %d: one idea a file", f.path, f.lines, maxLines))
			}
			for _, imported := range f.imports {
				if owner := ownerOf(imported); owner != "" && owner != p.path {
					broken = append(broken, fmt.Sprintf("%s: imports %s: only %s may", f.path, imported, owner))
				}
				if known && !r.allows(imported) {
					broken = append(broken, fmt.Sprintf("%s: imports %s: the table `allowed` in internal/arch/arch_test.go "+
						"does not let %s do so", f.path, imported, p.path))
				}
			}
		}
	}
	return broken
}

func checkDoc(p pkg) []string {
	var doc strings.Builder
	for _, f := range p.files {
		doc.WriteString(f.doc)
	}
	// Lines are joined: a phrase may be broken over two of them.
	text := strings.ToLower(strings.Join(strings.Fields(doc.String()), " "))
	if text == "" {
		return []string{p.path + ": no package doc"}
	}
	if !slices.ContainsFunc(boundaryWords, func(w string) bool { return strings.Contains(text, w) }) {
		return []string{fmt.Sprintf("%s: the package doc must say what the package does not do (with one of %q)",
			p.path, boundaryWords)}
	}
	return nil
}

func (r rule) allows(imported string) bool {
	ours, isOurs := strings.CutPrefix(imported, modulePath+"/")
	switch {
	case imported == modulePath:
		return r.anyExcept != nil
	case isOurs && r.anyExcept != nil:
		return !slices.ContainsFunc(r.anyExcept, func(dir string) bool { return within(ours, dir) })
	case isOurs:
		return slices.Contains(r.imports, ours)
	case r.standardOnly:
		return isStandard(imported)
	}
	return true
}

// isStandard reports whether a package is of the standard library: the first
// element of any other module's path is a host name, which has a dot. "C"
// stands for cgo.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".") && first != "C"
}

func ownerOf(imported string) string {
	for library, owner := range owners {
		if within(imported, library) {
			return owner
		}
	}
	return ""
}

func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}
