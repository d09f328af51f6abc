namespace Swarm.Testing.Processes;

/// <summary>A line of stdout.</summary>
/// <param name="At">When it was read, as <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/> counts.</param>
/// <param name="Text">The line without its end.</param>
public readonly record struct OutputLine(long At, string Text);
