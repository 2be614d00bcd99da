package main

import (
	"io"
	"log/slog"
	"os"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
	"golang.org/x/term"

	"github.com/syllable-notifier/notifier/internal/config"
)

// isTerminal says whether people see w as it is written.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// hasColour says whether w is a terminal and nobody asked for no colour.
func hasColour(w io.Writer) bool {
	_, off := os.LookupEnv("NO_COLOR")
	if off || !isTerminal(w) {
		text.DisableColors()
		return false
	}
	return true
}

// defaultWidth is for what is no terminal.
const defaultWidth = 100

// terminalWidth returns how many columns people see of w.
func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
	}
	return defaultWidth
}

// newLogger writes to w in the format asked for: text for people, JSON for
// whoever collects logs.
func newLogger(w io.Writer, format string, level slog.Level) *slog.Logger {
	if format == config.LogAuto {
		format = config.LogJSON
		if isTerminal(w) {
			format = config.LogText
		}
	}
	if format == config.LogJSON {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: readable}))
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level: level, TimeFormat: "15:04:05.000", NoColor: !hasColour(w),
	}))
}

// readable writes durations as people do, not in nanoseconds.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// newTable returns a table without a frame, as all commands print it.
func newTable(colour bool) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	if colour {
		t.Style().Color.Header = text.Colors{text.Bold}
	}
	return t
}
