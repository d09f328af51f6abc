using Google.Protobuf;
using Swarm.Protocol.Tests.Directory;
using Swarm.Protocol.Weights;

namespace Swarm.Protocol.Tests.Weights;

public sealed class BlobFetcherTests
{
    private const int Piece = WeightsLimits.PieceBytes;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Fetch_TwoHolders_EachGivesWhatIsOfItsBlocks()
    {
        await using var world = new FetchWorld();
        TestBlobs[] peers = [await world.AddAsync(1, 0, 1), await world.AddAsync(2, 1, 2)];
        (ByteString Sha256, byte[] Bytes)[] all = [.. Enumerable.Range(0, 10).Select(seed => TestBlobs.Make(seed, 30_000 + seed))];
        foreach ((ByteString sha256, byte[] bytes) in all)
        {
            peers[0].With(sha256, bytes);
            peers[1].With(sha256, bytes);
        }

        var progress = new List<long>();
        await world.Fetcher.FetchAsync([.. all.Select((blob, index) => Wanted(blob, index % 2))], bytes => progress.Add(bytes), default).WaitAsync(Patience);

        Assert.All(all, blob => Assert.Equal(blob.Bytes, world.Store.ReadWhole(blob.Sha256.Span, 1 << 20)));
        long total = all.Sum(blob => blob.Bytes.Length);
        Assert.Equal(total, progress[^1]);
        Assert.Equal(total, world.Fetcher.ReceivedBytes);
        Assert.Equal(all.Where((_, index) => index % 2 == 0).Sum(blob => blob.Bytes.Length), peers[0].ServedBytes);
        Assert.Empty(world.Reports);

        await world.Fetcher.FetchAsync([.. all.Select((blob, index) => Wanted(blob, index % 2))], null, default).WaitAsync(Patience);
        Assert.Equal(total, world.Fetcher.ReceivedBytes);
    }

    [Fact]
    public async Task Fetch_LargeTensor_ComesInPiecesFromBoth()
    {
        await using var world = new FetchWorld();
        (ByteString Sha256, byte[] Bytes) blob = TestBlobs.Make(1, (5 * Piece) + 3);
        TestBlobs[] peers = [(await world.AddAsync(1)).With(blob.Sha256, blob.Bytes), (await world.AddAsync(2)).With(blob.Sha256, blob.Bytes)];

        await world.Fetcher.FetchAsync([Wanted(blob)], null, default).WaitAsync(Patience);

        Assert.Equal(blob.Bytes.Length, world.Store.Find(blob.Sha256.Span));
        Assert.All(peers, peer => Assert.True(peer.ServedBytes >= Piece, $"{peer.ServedBytes} bytes"));
        Assert.Equal(blob.Bytes.Length, world.Fetcher.ReceivedBytes);
    }

    [Fact]
    public async Task Fetch_PeerThatDies_AnotherGoesOnWhereItStopped()
    {
        await using var world = new FetchWorld();
        (ByteString Sha256, byte[] Bytes) blob = TestBlobs.Make(1, 1_000_000);
        (await world.AddAsync(1, 0, 1)).With(blob.Sha256, blob.Bytes).BreaksAfter = 500_000;
        TestBlobs other = (await world.AddAsync(2)).With(blob.Sha256, blob.Bytes);

        await world.Fetcher.FetchAsync([Wanted(blob, 0)], null, default).WaitAsync(Patience);

        Assert.Equal(blob.Bytes, world.Store.ReadWhole(blob.Sha256.Span, 1 << 20));
        Assert.InRange(other.ServedBytes, 500_000, 600_000);
        Assert.Equal((Announced.Peer(1), FaultKind.PeerLost), Assert.Single(world.Reports));
        Assert.Equal(blob.Bytes.Length, world.Fetcher.ReceivedBytes);
    }

    [Fact]
    public async Task Fetch_PeerThatLies_IsReportedAndAnotherAsked()
    {
        await using var world = new FetchWorld();
        (ByteString Sha256, byte[] Bytes) blob = TestBlobs.Make(1, 100_000);
        (await world.AddAsync(1, 0, 1)).With(blob.Sha256, blob.Bytes).Lies = true;
        (await world.AddAsync(2)).With(blob.Sha256, blob.Bytes);

        await world.Fetcher.FetchAsync([Wanted(blob, 0)], null, default).WaitAsync(Patience);

        Assert.Equal(blob.Bytes, world.Store.ReadWhole(blob.Sha256.Span, 1 << 20));
        Assert.Contains((Announced.Peer(1), FaultKind.WrongTensor), world.Reports);
        Assert.DoesNotContain(world.Reports, report => report.Peer == Announced.Peer(2));
    }

    [Fact]
    public async Task Fetch_OneOfTwoThatGivePiecesLies_OnlyThatOneIsReported()
    {
        await using var world = new FetchWorld { Hides = false };
        (ByteString Sha256, byte[] Bytes) blob = TestBlobs.Make(1, 6 * Piece);
        (await world.AddAsync(1)).With(blob.Sha256, blob.Bytes).Lies = true;
        (await world.AddAsync(2)).With(blob.Sha256, blob.Bytes);

        await world.Fetcher.FetchAsync([Wanted(blob)], null, default).WaitAsync(Patience);

        Assert.True(blob.Bytes.AsSpan().SequenceEqual(world.Store.ReadWhole(blob.Sha256.Span, blob.Bytes.Length)), "other bytes than the hash says");
        Assert.DoesNotContain(world.Reports, report => report.Peer == Announced.Peer(2));
    }

    [Fact]
    public async Task Fetch_OtherLengthThanTheManifests_IsALie()
    {
        await using var world = new FetchWorld();
        (ByteString Sha256, byte[] Bytes) blob = TestBlobs.Make(1, 1000);
        (await world.AddAsync(1, 0, 1)).With(blob.Sha256, blob.Bytes[..999]);
        (await world.AddAsync(2)).With(blob.Sha256, blob.Bytes);

        await world.Fetcher.FetchAsync([Wanted(blob, 0)], null, default).WaitAsync(Patience);

        Assert.Equal((Announced.Peer(1), FaultKind.WrongTensor), Assert.Single(world.Reports));
    }

    [Fact]
    public async Task Fetch_OnePeerLacksATensor_TheOtherIsAskedAndNobodyReported()
    {
        await using var world = new FetchWorld();
        (ByteString Sha256, byte[] Bytes) one = TestBlobs.Make(1, 1000), two = TestBlobs.Make(2, 1000);
        (await world.AddAsync(1, 0, 1)).With(one.Sha256, one.Bytes);
        (await world.AddAsync(2)).With(two.Sha256, two.Bytes);

        await world.Fetcher.FetchAsync([Wanted(one, 0), Wanted(two, 0)], null, default).WaitAsync(Patience);

        Assert.NotNull(world.Store.Find(two.Sha256.Span));
        Assert.Empty(world.Reports);
    }

    [Fact]
    public async Task Fetch_NobodyHasATensor_SaysWhichAndWhatCameStays()
    {
        await using var world = new FetchWorld();
        (ByteString Sha256, byte[] Bytes) one = TestBlobs.Make(1, 1000), two = TestBlobs.Make(2, 1000);
        (await world.AddAsync(1)).With(one.Sha256, one.Bytes);

        SwarmException error = await Assert.ThrowsAsync<SwarmException>(
            () => world.Fetcher.FetchAsync([Wanted(one), Wanted(two) with { Name = "blk.7.ffn_up" }], null, default).WaitAsync(Patience));

        Assert.Equal(FaultKind.TensorNotHeld, error.Fault);
        Assert.Contains("blk.7.ffn_up", error.Message, StringComparison.Ordinal);
        Assert.NotNull(world.Store.Find(one.Sha256.Span));
    }

    [Fact]
    public async Task FetchWhole_WrongBytesOrTooLong_IsRefused()
    {
        await using var world = new FetchWorld();
        (ByteString Sha256, byte[] Bytes) blob = TestBlobs.Make(1, 100_000);
        TestBlobs peer = (await world.AddAsync(1)).With(blob.Sha256, blob.Bytes);
        Assert.Equal(blob.Bytes, await world.Client.FetchWholeAsync(world.Nodes[0].Endpoint, blob.Sha256, 100_000, default).WaitAsync(Patience));

        SwarmException late = await Assert.ThrowsAsync<SwarmException>(() => world.Client.FetchWholeAsync(world.Nodes[0].Endpoint, blob.Sha256, 99_999, default).WaitAsync(Patience));
        peer.Lies = true;
        SwarmException wrong = await Assert.ThrowsAsync<SwarmException>(() => world.Client.FetchWholeAsync(world.Nodes[0].Endpoint, blob.Sha256, 100_000, default).WaitAsync(Patience));
        SwarmException absent = await Assert.ThrowsAsync<SwarmException>(
            () => world.Client.FetchWholeAsync(world.Nodes[0].Endpoint, ByteString.CopyFrom(new byte[32]), 100_000, default).WaitAsync(Patience));

        Assert.Equal([FaultKind.ProtocolViolation, FaultKind.WrongTensor, FaultKind.TensorNotHeld], [late.Fault, wrong.Fault, absent.Fault]);
    }

    private static BlobWanted Wanted((ByteString Sha256, byte[] Bytes) blob, int? block = null) => new(blob.Sha256, blob.Bytes.Length, "a tensor", block);
}
