"""Faces, real and fake: build, train, audit and scale."""
