// Package config turns the environment into a [Config]: it knows the name,
// default and meaning of every setting, checks them all, and reports every
// mistake at once, each with the name of its variable.
//
// # How a value is found
//
// A setting is read from NOTIFIER_<NAME>. Space around a value is dropped, and
// an empty value is the default, as an unset one is, because compose files
// pass on variables that nobody has set. A secret may instead be in a file
// that NOTIFIER_<NAME>_FILE names; setting both is a mistake. Names,
// defaults and meanings stand in one place, the tags of the struct
// environment, from which envconfig reads.
//
// # What is never shown
//
// No message quotes a value, not even that of a harmless setting: a token that
// was pasted into the wrong variable must not end up in a log either.
// [Settings] shows values, but only those that have passed their check;
// secrets and user names and passwords in URLs are redacted, and the types
// [Secret] and [NATSURL] print redacted wherever they go.
//
// # What it leaves out
//
// The package does not connect to anything, does not create the data folder,
// and does not try a key or a token out: that is for `notifier check`. It does
// not read a configuration file, and it never changes the environment.
package config
