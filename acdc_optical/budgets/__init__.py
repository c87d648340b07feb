"""Where errors, light and photons go: what a layer costs on a bench, account by account."""
