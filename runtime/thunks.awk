# SPDX-License-Identifier: Apache-2.0
#
# thunks.awk: an assembler file for each function of thunks.list, and the linker options that have
# the program call it.
#
#	awk -v dir=DIR -f thunks.awk thunks.list
#
# writes DIR/NAME.s, and DIR/wrap, the options.

function begin(name, out) {
	if (name in seen) {
		print "thunks.list: " name " is listed twice" > "/dev/stderr"
		exit 1
	}
	seen[name]
	print "-Wl,--wrap=" name > (dir "/wrap")
	print "\t.text\n\t.globl\t__wrap_" name "\n\t.type\t__wrap_" name ", @function\n" \
		"\t.p2align 4\n__wrap_" name ":\n\t.cfi_startproc" > out
}

function finish(name, out) {
	print "\t.cfi_endproc\n\t.size\t__wrap_" name ", . - __wrap_" name > out
	for (i = 1; i <= 3; i++)
		print "\t.section " notes[i] ", \"\", @progbits" > out
	close(out)
}

function jump(name, out) {
	begin(name, out)
	print "\tjmp\t*__real_" name "@GOTPCREL(%rip)" > out
	finish(name, out)
}

function through(name, target, helper, out) {
	begin(name, out)
	print "\tmovq\t" target "@GOTPCREL(%rip), %r11\n\tjmp\t" helper > out
	finish(name, out)
}

function variadic(name, sister, named, out) {
	begin(name, out)
	print "\tmovq\t__real_" sister "@GOTPCREL(%rip), %r10\n" \
		"\tmovq\t__real_" name "@GOTPCREL(%rip), %r11\n\tjmp\t__corun_call_va" named > out
	finish(name, out)
}

BEGIN {
	notes[1] = ".note.GNU-split-stack"
	notes[2] = ".note.GNU-no-split-stack"
	notes[3] = ".note.GNU-stack"
}

/^#/ || !NF { next }

{
	kind = $1
	for (n = kind == "va" ? 3 : 2; n <= NF; n++) {
		split($n, part, ":")
		out = dir "/" part[1] ".s"
		if (kind == "leaf")
			jump(part[1], out)
		else if (kind == "call")
			through(part[1], "__real_" part[1], "__corun_call", out)
		else if (kind == "args")
			through(part[1], "__real_" part[1], "__corun_call_args", out)
		else if (kind == "own")
			through(part[1], part[2], "__corun_call", out)
		else if (kind == "va")
			variadic(part[1], part[2], $2, out)
		else {
			print "thunks.list: unknown kind " kind > "/dev/stderr"
			exit 1
		}
	}
}
