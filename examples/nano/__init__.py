"""How the embedded model `nano` is made, one command a stage. Start reading at `config.py`."""
