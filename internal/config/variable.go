package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// fileSuffix makes the name of a secret the name of the variable that holds
// the path of the secret's file.
const fileSuffix = "_FILE"

// maxSecret bounds a secret's file, in bytes, so that a path such as /dev/zero
// ends in a message.
const maxSecret = 64 << 10

// variable is one setting as it was found in the environment.
type variable struct {
	name     string // such as NOTIFIER_POLL_INTERVAL
	standard string // the default
	meaning  string
	fallback string // the variable that is read where this one is not set
	secret   bool

	// value is the text in force, space around it dropped. It is a Secret in
	// every setting: before it is checked, it may be anything.
	value Secret
	// shown is the text as it may be printed, set once it has passed its
	// check: then it is known not to be a secret in the wrong place.
	shown string
	// source is the variable the value came from; empty: the default.
	source string
	// invalid says that the value itself is wrong, so that it must be neither
	// used nor shown.
	invalid  bool
	problems []Problem
}

// Decode is called by envconfig. It never fails: an error would end the reading
// at the first mistake, and envconfig would quote the value in it. An empty
// value leaves the default in force.
func (v *variable) Decode(value string) error {
	if value = strings.TrimSpace(value); value != "" {
		v.value = Secret(value)
	}
	return nil
}

// given says whether the setting was given at all, well or badly.
func (v *variable) given() bool { return v.source != "" }

// complain adds a problem of this setting in relation to others.
func (v *variable) complain(format string, args ...any) {
	name := v.source
	if name == "" {
		name = v.name
	}
	v.problems = append(v.problems, Problem{Name: name, Text: fmt.Sprintf(format, args...)})
}

// reject adds a problem of the value itself.
func (v *variable) reject(format string, args ...any) {
	v.complain(format, args...)
	v.invalid = true
}

// resolve finds out where the value comes from, and for a secret takes it from
// there. envconfig has read the variable itself by then.
func (v *variable) resolve() {
	file := v.name + fileSuffix
	direct, byFile := fromEnv(v.name) != "", v.secret && fromEnv(file) != ""
	switch {
	case direct && byFile:
		v.source = v.name
		v.reject("is set, and %s too: set only one of them", file)
	case direct:
		v.source = v.name
	case byFile:
		v.source = file
		secret, err := readSecret(fromEnv(file))
		if err != nil {
			v.reject("%v", err)
			return
		}
		v.value = secret
	case v.fallback != "" && fromEnv(v.fallback) != "":
		v.source = v.fallback
		v.value = Secret(fromEnv(v.fallback))
	}
}

func fromEnv(name string) string { return strings.TrimSpace(os.Getenv(name)) }

// readSecret reads the file of a secret. Its errors leave out the path: who
// forgets the _FILE mechanism puts the secret itself there.
func readSecret(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("the file it names cannot be opened: %w", withoutPath(err))
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("the file it names cannot be read: %w", withoutPath(err))
	}
	if len(content) > maxSecret {
		return "", fmt.Errorf("the file it names is larger than %d bytes, which no secret is", maxSecret)
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", errors.New("the file it names is empty")
	}
	return Secret(secret), nil
}

// withoutPath returns the reason of a file error alone.
func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}
