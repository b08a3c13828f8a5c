package fallback

const runtimeIsWindows = true
