.PHONY: help deps test quickstart bench
