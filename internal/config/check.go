package config

// checkTogether checks what no setting can tell by itself. A setting that is
// wrong already is not blamed twice.
func (r *reading) checkTogether() {
	r.checkExternal()
	r.checkCredentials()
	r.checkListeners()
	r.checkSlack()
}

// requireKey is apart from the rest: commands that do not talk to the platform
// do without the key.
func (r *reading) requireKey() {
	key := &r.env.Syllable.APIKey
	if !key.given() {
		key.complain("is needed; set it, or %s%s, or %s", key.name, fileSuffix, key.fallback)
	}
}

// checkExternal finds settings of an external NATS without one. Ignored, they
// would leave the operator believing that the connection is secured by them.
func (r *reading) checkExternal() {
	nats := &r.env.NATS
	if nats.URL.given() {
		if nats.MaxStore.given() {
			nats.MaxStore.complain("is for the embedded server only; unset it, or %s", nats.URL.name)
		}
		return
	}
	for _, v := range []*variable{&nats.Creds, &nats.CA, &nats.Cert, &nats.Key} {
		if v.given() {
			v.complain("is for an external NATS only; set %s too, or unset it", nats.URL.name)
		}
	}
	if r.config.NATSReplicas > 1 {
		nats.Replicas.complain("the embedded server keeps 1 replica; set %s for more", nats.URL.name)
	}
}

// checkCredentials finds credentials that are incomplete, or of which the
// client library would silently take one.
func (r *reading) checkCredentials() {
	nats := &r.env.NATS
	switch {
	case nats.Cert.given() && !nats.Key.given():
		nats.Cert.complain("needs its key; set %s too", nats.Key.name)
	case nats.Key.given() && !nats.Cert.given():
		nats.Key.complain("needs its certificate; set %s too", nats.Cert.name)
	}
	if nats.Creds.given() && nats.Token.given() {
		nats.Creds.complain("is set, and %s too: set only one of them", nats.Token.source)
	}
	if r.config.NATSURL.hasUser() {
		for _, v := range []*variable{&nats.Creds, &nats.Token} {
			if v.given() {
				nats.URL.complain("carries a user or a token, and %s is set too: set only one of them", v.source)
			}
		}
	}
}

// checkListeners finds listeners that other machines could use without a
// token. With an external NATS the embedded server does not run.
func (r *reading) checkListeners() {
	nats, http := &r.env.NATS, &r.env.HTTP
	if !nats.URL.given() {
		requireToken(&nats.Listen, r.config.NATSListen, &nats.Token)
	}
	requireToken(&http.Addr, r.config.HTTPAddr, &http.Token)
}

func requireToken(v *variable, addr string, token *variable) {
	if v.invalid || addr == Off || isLocal(addr) || token.given() {
		return
	}
	v.complain("other machines can reach this address, so it needs a token; set %s", token.name)
}

func (r *reading) checkSlack() {
	token, channel, since := &r.env.Slack.Token, &r.env.Slack.Channel, &r.env.Slack.Since
	if since.given() && !token.given() {
		since.complain("is of no use without Slack; set %s too, or unset it", token.name)
	}
	switch {
	case token.given() && !channel.given():
		// A # that is not quoted begins a comment in many an .env file.
		token.complain("needs a channel; set %s, a #name in quotes", channel.name)
	case channel.given() && !token.given():
		channel.complain("needs a token; set %s or %s%s", token.name, token.name, fileSuffix)
	}
}
