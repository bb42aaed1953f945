package main

import "github.com/spf13/cobra"

func stub(n string) *cobra.Command        { return &cobra.Command{Use: n} }
func newDemo(*settings) *cobra.Command    { return stub("demo") }
func newExplain(*settings) *cobra.Command { return stub("explain") }
func newWhy(*settings) *cobra.Command     { return stub("why") }
func newTop(*settings) *cobra.Command     { return stub("top") }
