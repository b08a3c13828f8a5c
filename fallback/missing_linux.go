package fallback

func missing(t Transport) string {
	if t == Pipe {
		return "named pipes of Windows; here a name is a unix socket"
	}
	return ""
}
