package config

// Setting describes one setting and what is in force.
type Setting struct {
	// Name is the variable, such as NOTIFIER_POLL_INTERVAL.
	Name string `json:"name"`
	// Value is the text in force, the default included. It is "[redacted]"
	// for a secret, with users and passwords in URLs redacted, "[invalid]"
	// where the value given is wrong, and empty where there is none.
	Value string `json:"value"`
	// Default is in force where the variable is unset or empty; it may say
	// which variable stands in.
	Default string `json:"default"`
	// Meaning is one line, with the unit where there is one.
	Meaning string `json:"meaning"`
	// Set says whether the environment gives the setting.
	Set bool `json:"set"`
	// Source is the variable that gives it: Name, the _FILE variable of a
	// secret, or a variable that stands in. Empty: none, the default counts.
	Source string `json:"source,omitempty"`
	// Secret says that the value is never shown, and that it may be given as
	// a file, whose path goes into the variable Name_FILE.
	Secret bool `json:"secret"`
}

// Settings returns every setting, related ones together. It works with any
// environment: what is wrong with one, [Load] tells.
func Settings() []Setting {
	var settings []Setting
	for _, v := range readEnvironment().vars {
		standard := v.standard
		if v.fallback != "" {
			standard = "value of " + v.fallback
		}
		settings = append(settings, Setting{
			Name:    v.name,
			Value:   v.show(),
			Default: standard,
			Meaning: v.meaning,
			Set:     v.given(),
			Source:  v.source,
			Secret:  v.secret,
		})
	}
	return settings
}

// show returns the value as it may be printed.
func (v *variable) show() string {
	if v.invalid {
		return withheld
	}
	return v.shown
}
