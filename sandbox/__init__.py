"""A pretend outside world: bank, payment gateway, SMS carrier, mail and the borrowers behind them."""
