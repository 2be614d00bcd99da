package main

import (
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/syllable-notifier/notifier/internal/config"
)

func newConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "List every setting: name, value, default, meaning",
		Long: `List every setting with the value it has now, its default and its meaning.
Secrets are shown as [redacted]. What is wrong with the settings is listed
after them, and makes the exit code 2.`,
		Args: noArgs,
	}
	asJSON := addJSON(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		stdout := cmd.OutOrStdout()
		settings := config.Settings()
		if *asJSON {
			if err := printJSON(stdout, settings); err != nil {
				return err
			}
		} else {
			renderSettings(stdout, settings)
		}
		_, err := config.LoadKeyless()
		return err
	}
	return cmd
}

func renderSettings(w io.Writer, settings []config.Setting) {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options.SeparateRows = true
	if hasColour(w) {
		t.Style().Color.Header = text.Colors{text.Bold}
	}
	t.AppendHeader(table.Row{"name", "value", "default", "meaning"})
	for _, s := range settings {
		t.AppendRow(table.Row{s.Name, s.Value, s.Default, s.Meaning})
	}
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 2, WidthMax: 28}, {Number: 3, WidthMax: 28},
		{Number: 4, WidthMax: 56, WidthMaxEnforcer: text.WrapSoft},
	})
	t.Render()
}
