"""What is run where only the wheel is installed; `test_wheel.py` takes it there."""
