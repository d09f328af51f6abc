using Google.Protobuf;
using Swarm.Protocol.Weights;
using Swarm.Testing;

namespace Swarm.Protocol.Tests.Weights;

public sealed class BlobStoreTests
{
    private const int Piece = WeightsLimits.PieceBytes;

    [Fact]
    public void TryFinish_RightBytes_AppearUnderTheirHash()
    {
        using var folder = new TemporaryFolder();
        var store = new BlobStore(folder.Path);
        (ByteString sha256, byte[] bytes) = TestBlobs.Make(1, 1000);
        using (BlobDraft draft = store.Begin(sha256, 1000))
        {
            draft.Write(500, bytes.AsSpan(500));
            Assert.Null(store.Find(sha256.Span));
            draft.Write(0, bytes.AsSpan(0, 500));
            Assert.True(draft.TryFinish());
        }

        Assert.Equal(1000, store.Find(sha256.Span));
        Assert.Equal(bytes, store.ReadWhole(sha256.Span, 1000));
        Assert.Null(store.ReadWhole(sha256.Span, 999));
        byte[] part = new byte[10];
        Assert.True(store.TryRead(sha256.Span, 990, part));
        Assert.Equal(bytes[990..], part);
        Assert.False(store.TryRead(sha256.Span, 991, part));
        Assert.Equal(1000, store.TotalBytes());
        Assert.Equal([store.PathOf(sha256.Span)], System.IO.Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories));
    }

    [Fact]
    public void TryFinish_WrongBytes_NothingAppearsAndTheDraftIsEmpty()
    {
        using var folder = new TemporaryFolder();
        var store = new BlobStore(folder.Path);
        (ByteString sha256, byte[] bytes) = TestBlobs.Make(2, 1000);
        bytes[7] ^= 1;
        using BlobDraft draft = store.Begin(sha256, 1000);
        draft.Write(0, bytes);
        draft.Note(0);

        Assert.False(draft.TryFinish());

        Assert.Equal([false], draft.Here);
        Assert.Null(store.Find(sha256.Span));
    }

    [Fact]
    public void Begin_AfterAnInterruption_GoesOnWithThePiecesThatAreHere()
    {
        using var folder = new TemporaryFolder();
        var store = new BlobStore(folder.Path);
        (ByteString sha256, byte[] bytes) = TestBlobs.Make(3, Piece + 10);
        using (BlobDraft draft = store.Begin(sha256, bytes.Length))
        {
            draft.Write(Piece, bytes.AsSpan(Piece));
            draft.Note(1);
        }

        using BlobDraft again = new BlobStore(folder.Path).Begin(sha256, bytes.Length);
        Assert.Equal([false, true], again.Here);
        again.Write(0, bytes.AsSpan(0, Piece));
        Assert.True(again.TryFinish());
    }

    [Fact]
    public void Begin_TwiceAtOnce_BothFinish()
    {
        using var folder = new TemporaryFolder();
        var store = new BlobStore(folder.Path);
        (ByteString sha256, byte[] bytes) = TestBlobs.Make(4, 100);
        using BlobDraft one = store.Begin(sha256, 100);
        using BlobDraft other = store.Begin(sha256, 100);
        one.Write(0, bytes);
        other.Write(0, bytes);

        Assert.True(one.TryFinish());
        Assert.True(other.TryFinish());

        Assert.Equal(bytes, store.ReadWhole(sha256.Span, 100));
    }

    [Fact]
    public void ReadWhole_DamagedFile_IsNotHere()
    {
        using var folder = new TemporaryFolder();
        var store = new BlobStore(folder.Path);
        (ByteString sha256, byte[] bytes) = TestBlobs.Make(5, 100);
        store.Put(bytes);
        File.WriteAllBytes(store.PathOf(sha256.Span), new byte[100]);

        Assert.Null(store.ReadWhole(sha256.Span, 100));
    }
}
