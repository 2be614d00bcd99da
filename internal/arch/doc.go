// Package arch holds the tests that keep the cut of the program: which package
// may import which of ours, which one package may import each large library,
// that every package has a doc that also says where the package ends, and how
// long a file may grow. The tables are in arch_test.go; ARCHITECTURE.md tells
// the reasons.
//
// The package has no code to import. It reads the sources alone: it does not
// run the go command, does not look into other modules, and does not judge
// tests, which may import what they need.
package arch
