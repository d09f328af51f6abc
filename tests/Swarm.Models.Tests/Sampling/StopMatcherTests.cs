using Swarm.Models.Sampling;

namespace Swarm.Models.Tests.Sampling;

public sealed class StopMatcherTests
{
    [Fact]
    public void Push_PartOfAStop_IsHeldUntilItIsCertain()
    {
        var matcher = new StopMatcher(["\n\nUser:"]);
        Assert.Equal("one", matcher.Push("one"));
        Assert.Equal("", matcher.Push("\n\nUs"));
        Assert.Equal("\n\nUse it", matcher.Push("e it"));
        Assert.Equal("", matcher.Push("\n"));
        Assert.Equal("\n", matcher.Push("\n\nUser"));
        Assert.Equal("", matcher.Push(": never shown"));
        Assert.Equal("\n\nUser:", matcher.Met);
        Assert.Equal("", matcher.Push("more") + matcher.Flush());
    }

    [Fact]
    public void Flush_WithoutAStop_GivesWhatWasHeld()
    {
        var matcher = new StopMatcher(["END"]);
        Assert.Equal("the ", matcher.Push("the EN"));
        Assert.Equal("EN", matcher.Flush());
        Assert.Null(matcher.Met);
    }

    [Fact]
    public void Push_AnyCutting_GivesTheSameText()
    {
        const string text = "abcabdababcababd";
        foreach (string[] stops in new string[][] { ["abd"], ["b", "abc"], ["ababc", "babc"], ["x"], [], ["d", "bd"] })
        {
            var whole = new StopMatcher(stops);
            string expected = whole.Push(text) + whole.Flush();
            for (int cut = 1; cut < text.Length; cut++)
            {
                var matcher = new StopMatcher(stops);
                string actual = string.Concat(text.Chunk(cut).Select(c => matcher.Push(new string(c)))) + matcher.Flush();
                Assert.Equal(expected, actual);
                Assert.Equal(whole.Met, matcher.Met);
            }

            Assert.All(stops, stop => Assert.DoesNotContain(stop, expected));
            Assert.StartsWith(expected, text);
        }
    }

    [Fact]
    public void Constructor_BadStops_AreRefused()
    {
        Assert.Contains("0 characters", Assert.Throws<ModelException>(() => new StopMatcher([""])).Message);
        Assert.Contains("1025 characters", Assert.Throws<ModelException>(() => new StopMatcher([new string('x', 1025)])).Message);
        Assert.Contains("65 stop strings", Assert.Throws<ModelException>(() => new StopMatcher([.. Enumerable.Repeat("x", 65)])).Message);
    }
}
