"""Ways to make a fake from real photos, each with the sham that leaves the manipulation out."""
