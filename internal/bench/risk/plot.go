package main

func (e *results) plot() string        { return "" }
func (e *results) plotHistory() string { return "" }
