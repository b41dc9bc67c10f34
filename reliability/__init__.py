"""Measurements for docs/reliability.md: fuzzed environments, killed commands, damaged and hostile files, full disks."""
