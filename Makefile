# Each target is a part of .ci/run, which says what it needs.
.PHONY: all test race bench lint doc vuln

all:
	.ci/run

test race bench lint doc vuln:
	.ci/run $@
