using Google.Protobuf;
using Swarm.Protocol.Tests.Directory;
using Swarm.Protocol.Weights;

namespace Swarm.Protocol.Tests.Weights;

public sealed class FetchPlanTests
{
    private const int Piece = WeightsLimits.PieceBytes;

    private static readonly PeerId First = Announced.Peer(1);
    private static readonly PeerId Second = Announced.Peer(2);

    [Fact]
    public void Take_TwoPeers_GetDifferentTensorsTheirOwnFirst()
    {
        FetchPlan plan = New(out _, (10, 0), (20, 1), (30, null));

        IReadOnlyList<FetchRange> first = plan.Take(First, blob => blob.Block is null or 0);
        IReadOnlyList<FetchRange> second = plan.Take(Second, blob => blob.Block is null or 1);

        Assert.Equal([0, 2], first.Select(range => range.Blob));
        Assert.Equal([1], second.Select(range => range.Blob));
        Assert.Empty(plan.Take(First, _ => true));
    }

    [Fact]
    public void Take_LargeTensor_IsCutToPiecesWithinARequest()
    {
        FetchPlan plan = New(out _, (3 * Piece + 7, 0));

        IReadOnlyList<FetchRange> first = plan.Take(First, _ => true);
        IReadOnlyList<FetchRange> second = plan.Take(Second, _ => true);

        Assert.Equal([(0, Piece), (Piece, Piece)], first.Select(range => ((int)range.Offset, (int)range.Length)));
        Assert.Equal([(2 * Piece, Piece), (3 * Piece, 7)], second.Select(range => ((int)range.Offset, (int)range.Length)));
    }

    [Fact]
    public void Take_ManySmallTensors_AtMostTheRangesOfARequest() =>
        Assert.Equal(WeightsLimits.MaxRanges, New(out _, [.. Enumerable.Repeat((10L, (int?)0), 100)]).Take(First, _ => true).Count);

    [Fact]
    public void GiveBack_BrokenOff_AnotherGoesOnAtTheOffset()
    {
        FetchPlan plan = New(out _, (100, 0));
        IReadOnlyList<FetchRange> taken = plan.Take(First, _ => true);
        Assert.False(plan.Received(First, taken[0], 60));

        Assert.Equal(0, plan.GiveBack(taken));
        FetchRange rest = Assert.Single(plan.Take(Second, _ => true));

        Assert.Equal((60, 40), (rest.Offset, rest.Length));
        Assert.True(plan.Received(Second, rest, 40));
        Assert.True(plan.IsWhole(0));
    }

    [Fact]
    public void NotHeld_IsNotAskedAgain_AnotherIs()
    {
        FetchPlan plan = New(out _, (100, 0));
        IReadOnlyList<FetchRange> taken = plan.Take(First, _ => true);
        plan.NotHeld(First, taken[0]);
        plan.GiveBack(taken);

        Assert.Empty(plan.Take(First, _ => true));
        Assert.False(plan.MayHave(First));
        Assert.Single(plan.Take(Second, _ => true));
    }

    [Fact]
    public void Wrong_FromOnePeerAlone_ThatOneLiedAndIsAskedNoMore()
    {
        FetchPlan plan = New(out _, (100, 0));
        Receive(plan, First);

        Assert.Equal(First, plan.Wrong(0));

        Assert.Empty(plan.Take(First, _ => true));
        Receive(plan, Second);
        plan.Finish(0);
        Assert.True(plan.IsDone);
    }

    [Fact]
    public void Wrong_FromTwoPeers_NobodyIsBlamedAndItComesFromOneAlone()
    {
        FetchPlan plan = New(out _, (4 * Piece, 0));
        Receive(plan, First);
        Receive(plan, Second);
        Assert.True(plan.IsWhole(0));

        Assert.Null(plan.Wrong(0));

        IReadOnlyList<FetchRange> own = plan.Take(First, _ => true);
        Assert.Equal(2, own.Count);
        Assert.Empty(plan.Take(Second, _ => true));
        foreach (FetchRange range in own)
            plan.Received(First, range, (int)range.Length);
        plan.GiveBack(own);
        Receive(plan, First);
        Assert.Equal(First, plan.Wrong(0));
    }

    [Fact]
    public void GiveBack_OfOneAlone_StartsAnewAndOldBytesDoNotCount()
    {
        FetchPlan plan = New(out _, (4 * Piece, 0));
        Receive(plan, First);
        Receive(plan, Second);
        plan.Wrong(0);
        IReadOnlyList<FetchRange> taken = plan.Take(First, _ => true);
        plan.Received(First, taken[0], Piece);

        Assert.Equal(Piece, plan.GiveBack(taken));

        Assert.False(plan.IsWanted(taken[0]));
        Assert.Equal(0, plan.Take(Second, _ => true)[0].Offset);
    }

    [Fact]
    public void Leave_OwnerOfAWholePiece_ItBeginsElsewhere()
    {
        FetchPlan plan = New(out _, (4 * Piece, 0));
        Receive(plan, First);
        Receive(plan, Second);
        plan.Wrong(0);
        IReadOnlyList<FetchRange> taken = plan.Take(First, _ => true);
        foreach (FetchRange range in taken)
            plan.Received(First, range, (int)range.Length);
        plan.GiveBack(taken);
        Assert.Empty(plan.Take(Second, _ => true));

        Assert.Equal(2 * Piece, plan.Leave(First));

        Assert.Equal(0, plan.Take(Second, _ => true)[0].Offset);
    }

    [Fact]
    public void Wrong_WithPiecesOfAnEarlierProcess_NobodyIsBlamed()
    {
        var plan = new FetchPlan([Wanted(1, 2 * Piece, 0)], _ => [true, false]);
        Assert.Equal(Piece, Assert.Single(plan.Take(First, _ => true)).Offset);
        plan.Received(First, new FetchRange(0, 1, Piece, Piece, 0), Piece);

        Assert.Null(plan.Wrong(0));
    }

    private static FetchPlan New(out BlobWanted[] wanted, params (long Length, int? Block)[] blobs)
    {
        BlobWanted[] all = [.. blobs.Select((blob, index) => Wanted(index, blob.Length, blob.Block))];
        wanted = all;
        return new FetchPlan(all, index => new bool[BlobDraft.CountOf(all[index].Length)]);
    }

    private static BlobWanted Wanted(int seed, long length, int? block) =>
        new(ByteString.CopyFrom(BitConverter.GetBytes(seed)), length, $"tensor {seed}", block);

    private static void Receive(FetchPlan plan, PeerId peer)
    {
        IReadOnlyList<FetchRange> taken = plan.Take(peer, _ => true);
        Assert.NotEmpty(taken);
        foreach (FetchRange range in taken)
            plan.Received(peer, range, (int)range.Length);
        plan.GiveBack(taken);
    }
}
