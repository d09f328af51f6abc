using Google.Protobuf;
using Microsoft.Win32.SafeHandles;

namespace Swarm.Protocol.Weights;

/// <summary>
/// A file of a <see cref="BlobStore"/> that is not whole yet: beside its bytes lies which pieces of them are there, so that a later process goes on. One thread at a time.
/// </summary>
public sealed class BlobDraft : IDisposable
{
    private const int MostDrafts = 64;

    private readonly string _path;
    private readonly string _draft;
    private readonly SafeFileHandle _file;
    private readonly SafeFileHandle _pieces;
    private bool _closed;

    internal BlobDraft(string path, ByteString sha256, long length)
    {
        _path = path;
        Sha256 = sha256;
        Length = length;
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        (_draft, _file) = OpenFirst(path);
        try
        {
            _pieces = Open(_draft + "s");
            int count = CountOf(length);
            Here = new bool[count];
            if (RandomAccess.GetLength(_file) == length && RandomAccess.GetLength(_pieces) == count)
                ReadPieces();
            else
                Reset();
        }
        catch
        {
            _file.Dispose();
            _pieces?.Dispose();
            throw;
        }
    }

    public ByteString Sha256 { get; }

    public long Length { get; }

    /// <summary>Which pieces of <see cref="WeightsLimits.PieceBytes"/> are there.</summary>
    public bool[] Here { get; }

    /// <summary>Pieces of so many bytes.</summary>
    public static int CountOf(long length) => checked((int)((length + WeightsLimits.PieceBytes - 1) / WeightsLimits.PieceBytes));

    /// <exception cref="IOException">The disk refuses.</exception>
    public void Write(long offset, ReadOnlySpan<byte> bytes) => RandomAccess.Write(_file, bytes, offset);

    /// <summary>A piece is there as a whole.</summary>
    public void Note(int piece)
    {
        Here[piece] = true;
        RandomAccess.Write(_pieces, [1], piece);
    }

    /// <summary>All bytes are there: the file appears under its name, or, where they are not what the name says, the draft is empty again and this is false.</summary>
    public bool TryFinish()
    {
        if (!BlobStore.HasHash(_file, Length, Sha256.Span))
        {
            Reset();
            return false;
        }

        RandomAccess.FlushToDisk(_file);
        Dispose();
        File.Move(_draft, _path, overwrite: true);
        File.Delete(_draft + "s");
        return true;
    }

    /// <summary>Closes it; what is there stays.</summary>
    public void Dispose()
    {
        if (_closed)
            return;
        _closed = true;
        _file.Dispose();
        _pieces.Dispose();
    }

    private void Reset()
    {
        Array.Clear(Here);
        RandomAccess.SetLength(_file, Length);
        RandomAccess.SetLength(_pieces, 0);
        RandomAccess.SetLength(_pieces, Here.Length);
    }

    private void ReadPieces()
    {
        byte[] noted = new byte[Here.Length];
        int read = RandomAccess.Read(_pieces, noted, 0);
        for (int i = 0; i < read; i++)
            Here[i] = noted[i] == 1;
    }

    // Another process may be about to bring the same: both do, and whoever is last puts equal bytes in place.
    private static (string Draft, SafeFileHandle File) OpenFirst(string path)
    {
        for (int number = 1; ; number++)
        {
            string draft = number == 1 ? path + ".part" : $"{path}.{number}.part";
            try
            {
                return (draft, Open(draft));
            }
            catch (IOException) when (File.Exists(draft) && number < MostDrafts)
            {
                // The next name may be free.
            }
        }
    }

    private static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
}
