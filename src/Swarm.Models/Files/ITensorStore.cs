namespace Swarm.Models.Files;

/// <summary>Named tensors that are read piece by piece; nothing is read before it is asked for.</summary>
public interface ITensorStore : IDisposable
{
    /// <summary>All tensors, in the order of the file.</summary>
    IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>Finds a tensor by its name.</summary>
    bool TryGet(string name, out TensorInfo tensor);

    /// <summary>
    /// Rows [firstRow, firstRow + count) of a tensor in the layout of its <see cref="TensorInfo.Format"/>: stored bytes, or, where no kernel reads the stored type, the same values
    /// in a form that one reads. The span is borrowed until the next call.
    /// </summary>
    /// <exception cref="ModelException">UnsupportedModel: the type is not one that kernels read. InvalidArgument: rows outside the tensor.</exception>
    ReadOnlySpan<byte> Rows(TensorInfo tensor, long firstRow, int count);

    /// <summary>All values of an F32, F16 or BF16 tensor, each exactly; for norms and biases.</summary>
    /// <exception cref="ModelException">UnsupportedModel: another type. CorruptModel: there is no such tensor.</exception>
    float[] ReadVector(string name);

    /// <summary>SHA-256 of the tensor's stored bytes (of its recipe, where the bytes are made on the fly).</summary>
    byte[] Sha256(TensorInfo tensor);

    /// <summary>
    /// Copies bytes [offset, offset + target) of what is stored of a tensor, as the hash counts them, for handing them to others; false where they are not here, or, as in a model made
    /// from a seed, are not stored. Does not count as read.
    /// </summary>
    bool TryCopyStored(TensorInfo tensor, long offset, Span<byte> target) => false;

    /// <summary>Stored tensors that a tensor's values are made with, such as the scales of 8-bit floats: part of what it is, read and verified with it.</summary>
    IReadOnlyList<TensorInfo> Companions(TensorInfo tensor) => [];

    /// <summary>Says that the tensor's bytes will not be read again soon, so that mapped pages may leave memory.</summary>
    void Release(TensorInfo tensor);

    /// <summary>Bytes of these tensors that are not on this machine yet; 0 where all of a store's are.</summary>
    long MissingBytes(IReadOnlyList<TensorInfo> tensors) => 0;

    /// <summary>
    /// Brings the bytes of these tensors to this machine where they are not here yet; reading them is possible from then on. Several calls may run at once. What is here already
    /// costs nothing, and where all of a store's are there is nothing to do.
    /// </summary>
    /// <param name="tensors">What will be read.</param>
    /// <param name="progress">Told the bytes that this call has brought so far.</param>
    /// <param name="cancellationToken">Ends it; what came stays, and the next call goes on from there.</param>
    /// <exception cref="ModelException">What is wrong with the bytes that came, or why they do not come; names the tensor.</exception>
    Task EnsureAsync(IReadOnlyList<TensorInfo> tensors, Action<long>? progress = null, CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <summary>Refuses a store of which parts are not here: whoever speaks for the whole model needs them all.</summary>
    /// <exception cref="ModelException">ModelNotFound, naming what is missing.</exception>
    void CheckComplete()
    {
    }

    /// <summary>Bytes of tensors handed out so far, each time anew.</summary>
    long BytesTouched { get; }

    /// <summary>Stored bytes of the tensors of which anything was read so far, each once: shows that a node reads nothing outside its span.</summary>
    long BytesRead => BytesTouched;

    /// <summary>The files that the tensors lie in, as far as they are here; empty where they are no files of this machine.</summary>
    IReadOnlyList<string> Files => [];
}
