package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"text/template"

	"github.com/kelseyhightower/envconfig"
)

// prefix is what all names begin with, before an underscore.
const prefix = "NOTIFIER"

// reading is the environment while it becomes a Config.
type reading struct {
	env    environment
	vars   []*variable // those of env, in order
	config Config
	strays []Problem // of names that are no setting
}

// newReading returns a reading in which every setting has its default.
func newReading() *reading {
	r := new(reading)
	// envconfig alone knows how a field's name becomes a variable's, and its
	// usage templates are the way to ask it.
	list := template.Must(template.New("variables").
		Funcs(template.FuncMap{"add": r.add}).
		Parse(`{{range .}}{{add .Key .Tags .Field}}{{end}}`))
	must(envconfig.Usaget(prefix, &r.env, io.Discard, list))
	return r
}

// add takes in one field of env.
func (r *reading) add(name string, tags reflect.StructTag, field reflect.Value) (string, error) {
	v, ok := field.Addr().Interface().(*variable)
	if !ok {
		return "", fmt.Errorf("%s: the field's type is %s, not variable", name, field.Type())
	}
	v.name = name
	v.standard = tags.Get("default")
	v.meaning = tags.Get("desc")
	v.fallback = tags.Get("fallback")
	v.secret = tags.Get("secret") == "true"
	v.value = Secret(v.standard)
	r.vars = append(r.vars, v)
	return "", nil
}

// readEnvironment reads, parses and checks everything. Whether the API key
// must be there depends on the command: see requireKey.
func readEnvironment() *reading {
	r := newReading()
	must(envconfig.Process(prefix, &r.env))
	for _, v := range r.vars {
		v.resolve()
	}
	r.strays = strays(os.Environ(), r.vars)
	r.config = r.parse()
	r.checkTogether()
	return r
}

// result returns the configuration, or all problems in the order of settings.
func (r *reading) result() (Config, error) {
	var all []Problem
	for _, v := range r.vars {
		all = append(all, v.problems...)
	}
	all = append(all, r.strays...)
	if len(all) > 0 {
		return Config{}, &Error{Problems: all}
	}
	return r.config, nil
}

// must ends the program where envconfig finds fault with the struct
// environment, which no value of a variable can bring about.
func must(err error) {
	if err != nil {
		panic("config: the struct environment: " + err.Error())
	}
}
