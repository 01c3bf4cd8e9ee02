"""Tests of a comparison of predicted with measured."""
