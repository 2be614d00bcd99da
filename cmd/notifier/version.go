package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says what this binary was made of.
type build struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
	// Tags are the build tags. A release has none: with one, parts may be
	// switched off to see that a test notices.
	Tags string `json:"tags,omitempty"`
}

// versionOf reads what the linker and the go command left in the binary.
func versionOf() build {
	b := build{Version: version, Commit: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		b.Version = cmp.Or(b.Version, "dev")
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = cmp.Or(b.Version, v)
	}
	b.Version = cmp.Or(b.Version, "dev")
	dirty := false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		case "-tags":
			b.Tags = s.Value
		}
	}
	if dirty {
		b.Commit += "-dirty"
	}
	return b
}

func newVersion() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print version, commit and Go version",
		Args:  noArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b := versionOf()
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), b)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "notifier %s\ncommit %s\n%s\n", b.Version, b.Commit, b.Go)
		if b.Tags != "" {
			fmt.Fprintf(cmd.OutOrStdout(), "built for tests only, with the tags %s\n", b.Tags)
		}
		return nil
	}
	return cmd
}
