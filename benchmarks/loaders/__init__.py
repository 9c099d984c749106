"""How fast it is, beside what others offer, in one run on one machine."""
