# shellcheck shell=bash
# wine-find.bash is sourced by the other wine scripts; it is not run itself.

# find_wine sets wine and wineserver to the programs to run, or returns 1.
#
# Debian keeps the 64-bit binaries out of PATH; what it has in PATH under the
# names wine and wine-stable are shell scripts which insist on advertising
# the 32-bit half. So the real binaries are looked for first. RINGWAY_WINE and
# RINGWAY_WINESERVER name others, a newer build in a home directory say.
find_wine() {
	local dir
	wine=${RINGWAY_WINE:-}
	wineserver=${RINGWAY_WINESERVER:-}
	if [[ -n $wine || -n $wineserver ]]; then
		[[ -x $wine && -x $wineserver ]]
		return
	fi
	for dir in /usr/lib/wine /usr/lib/wine-development; do
		wine=$dir/wine64
		wineserver=$dir/wineserver64
		if [[ -x $wine && -x $wineserver ]]; then
			return 0
		fi
	done
	# Other distributions: since Wine 10 there is only one program, wine.
	wine=$(command -v wine64 || command -v wine) &&
		wineserver=$(command -v wineserver64 || command -v wineserver)
}
