package main

import "github.com/spf13/cobra"
import "betimes/internal/config"

func stub(n string) *cobra.Command        { return &cobra.Command{Use: n} }
func newDemo(*settings) *cobra.Command    { return stub("demo") }
func newExplain(*settings) *cobra.Command { return stub("explain") }
func newWhy(*settings) *cobra.Command     { return stub("why") }
func newTop(*settings) *cobra.Command     { return stub("top") }
func newInit(*settings) *cobra.Command    { return stub("init") }
func newTry(*settings) *cobra.Command     { return stub("try") }
func newLoad(*settings) *cobra.Command    { return stub("load") }
func sampleEvent(config.Config) string    { return `{"id":"1"}` }
func fileWord(config.Config) string       { return "" }
