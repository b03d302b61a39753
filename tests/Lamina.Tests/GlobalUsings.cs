global using Xunit;
global using RawFiles = Lamina.Fuzz.RawFiles;
