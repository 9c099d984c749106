"""The protocol of question 3: what is left when a kind of forgery was never seen."""
