"""The page where anybody can try the detector: a Gradio app, and its way to the Hub."""
