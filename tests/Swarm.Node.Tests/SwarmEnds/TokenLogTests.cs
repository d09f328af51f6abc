using Google.Protobuf.Collections;
using Swarm.Node.SwarmEnds;

namespace Swarm.Node.Tests.SwarmEnds;

public sealed class TokenLogTests
{
    [Fact]
    public void Write_BelowTheEnd_ForgetsWhatWasThere()
    {
        var log = new TokenLog();
        log.Write(0, Ids(1, 2, 3, 4));
        log.Write(4, Ids(5));

        log.Write(2, Ids(9));

        Assert.Equal([1, 2, 9], log.Until(log.Length));
        Assert.Equal([1, 2], log.Until(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Write(4, Ids(1)));
    }

    [Fact]
    public void Copy_SomePositions_GivesThoseAlone()
    {
        var log = new TokenLog();
        log.Write(0, Ids(1, 2, 3, 4));

        Assert.Equal([2u, 3u], log.Copy(1, 2));
        log.Truncate(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => log.Copy(2, 2));
    }

    private static RepeatedField<uint> Ids(params uint[] ids) => [.. ids];
}
