"""``inspector capture``: a training set from the camera that will be judged by."""
