"""The model: its network, its one file, and stepwise inference. It knows ids, not music."""

import os

# Before whoever imports TensorFlow: fewer of its start-up notices.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
