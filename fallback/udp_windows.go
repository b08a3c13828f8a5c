package fallback

func missingUDP() string { return "" }
