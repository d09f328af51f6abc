namespace Swarm.Models.Tokenizers.Patterns;

/// <summary>Places that take no text. Lines are as in Ruby's syntax: <c>^</c> and <c>$</c> hold at every line.</summary>
internal enum PatternPlace
{
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    TextEndOrLastLineFeed,
    WordBoundary,
    NotWordBoundary,
}
