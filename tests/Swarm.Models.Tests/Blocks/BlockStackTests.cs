using Swarm.Kernels.Cpu;
using Swarm.Kernels.Reference;
using Swarm.Models.Blocks;
using Swarm.Models.Sampling;
using Swarm.Models.Files;
using Swarm.Models.Tests.Files;
using Swarm.Testing;

namespace Swarm.Models.Tests.Blocks;

public sealed class BlockStackTests
{
    private const string Tiny = "families/llama";

    public static TheoryData<string> SameBits => ["families/llama", "families/llama3-rope", "families/qwen2", "families/mixtral", "families/qwen3-moe", "families/glm4-moe", "families/deepseek-v3", "families/gpt-oss", "default", "random:96KiB:q8_0:3", "random:300KiB:bf16:4"];

    [Theory]
    [MemberData(nameof(SameBits))]
    public void Forward_AnyChunkBatchThreadsOrSplit_SameBits(string model)
    {
        using ModelRunner one = Open(model, threads: 1);
        int[] ids = Ids(one.Config.Vocabulary, 70);
        float[] expected = one.Hidden(ids);
        float[] expectedLogits = one.LogitsOf(expected.AsSpan(^(3 * one.Config.Hidden)..));
        foreach (int chunk in new[] { 1, 3, 7, 16, 64 })
            Numbers.AssertSameBits(expected, one.Hidden(ids, chunk), $"chunks of {chunk}");
        Numbers.AssertSameBits(expected, one.Hidden(ids, 5, 60, 1), "uneven chunks");

        using ModelRunner two = Open(model, threads: 2);
        Numbers.AssertSameBits(expected, two.Hidden(ids), "two threads");
        Numbers.AssertSameBits(expectedLogits, two.LogitsOf(expected.AsSpan(^(3 * one.Config.Hidden)..)), "logits on two threads");
        foreach (int batch in new[] { 1, 2, 5, 8 })
            AssertBatch(two, ids, expected, batch);
        AssertParts(two, ids, expected);
    }

    [Fact]
    public void Forward_SpansOfSeparateStacks_SameBitsAsOne()
    {
        using var whole = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        int[] ids = Ids(whole.Config.Vocabulary, 20);
        float[] expected = whole.Hidden(ids);
        using ModelSource source = ModelSource.Open(TestData.Path(Tiny));
        using var kernels = new CpuKernels(1);
        var hidden = new float[expected.Length];
        whole.Ends.Embed(ids, 0, hidden);
        foreach (BlockSpan span in new BlockSpan[] { new(0, 1), new(1, 3), new(3, 4) })
        {
            using BlockStack stack = BlockStack.Load(source, span, kernels);
            using var pool = new KvPool(1 << 20, stack.KvLayout);
            using KvCache cache = pool.CreateCache();
            stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)]);
        }

        Numbers.AssertSameBits(expected, hidden, "three spans");
    }

    [Fact]
    public void Load_BlocksThatAnotherStackHolds_SharesThemAndReadsTheOthersOnly()
    {
        using var whole = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        int[] ids = Ids(whole.Config.Vocabulary, 20);
        float[] expected = whole.Hidden(ids);
        using ModelSource source = ModelSource.Open(TestData.Path(Tiny));
        using var kernels = new CpuKernels(1);
        var progress = new List<LoadProgress>();
        BlockStack first = BlockStack.Load(source, new BlockSpan(0, 3), kernels);
        long before = source.Tensors.BytesTouched;

        using BlockStack second = BlockStack.Load(source, new BlockSpan(1, 4), kernels, progress.Add, shared: [first]);

        Assert.Equal([(3, 1, 1)], progress.Select(step => (step.Block, step.Done, step.Of)));
        Assert.Equal(source.StoredBytes(3), second.BytesRead);
        Assert.Equal(source.StoredBytes(3), source.Tensors.BytesTouched - before);
        Assert.Equal(whole.Stack.WeightBytes, BlockStack.WeightBytesOf([first, second]));
        using BlockStack start = BlockStack.Load(source, new BlockSpan(0, 1), kernels, shared: [second, first]);
        first.Dispose();
        first.Dispose();
        var hidden = new float[expected.Length];
        whole.Ends.Embed(ids, 0, hidden);
        foreach (BlockStack stack in new[] { start, second })
        {
            using var pool = new KvPool(1 << 20, stack.KvLayout);
            using KvCache cache = pool.CreateCache();
            stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)]);
        }

        Numbers.AssertSameBits(expected, hidden, "shared blocks");
    }

    [Fact]
    public void Load_FailsHalfWay_LeavesSharedBlocksToTheirHolder()
    {
        using var whole = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        int[] ids = Ids(whole.Config.Vocabulary, 5);
        float[] expected = whole.Hidden(ids);
        using ModelSource source = ModelSource.Open(TestData.Path(Tiny));
        using var kernels = new CpuKernels(1);
        using BlockStack held = BlockStack.Load(source, source.Config.AllBlocks, kernels);
        using BlockStack part = BlockStack.Load(source, new BlockSpan(0, 2), kernels, shared: [held]);
        using var cancellation = new CancellationTokenSource();

        Assert.Throws<OperationCanceledException>(() => BlockStack.Load(
            source, source.Config.AllBlocks, kernels, _ => cancellation.Cancel(), cancellationToken: cancellation.Token, shared: [part]));

        var hidden = new float[expected.Length];
        whole.Ends.Embed(ids, 0, hidden);
        using var pool = new KvPool(1 << 20, held.KvLayout);
        using KvCache cache = pool.CreateCache();
        held.Forward(hidden, [new StackStep(cache, 0, ids.Length)]);
        Numbers.AssertSameBits(expected, hidden, "what its holder still has");
    }

    [Fact]
    public void Load_SharedUnderOtherKernels_IsRefused()
    {
        using ModelSource source = ModelSource.Open(TestData.Path(Tiny));
        using var kernels = new CpuKernels(1);
        using var others = new CpuKernels(1);
        using BlockStack held = BlockStack.Load(source, new BlockSpan(0, 1), kernels);

        var exception = Assert.Throws<ModelException>(() => BlockStack.Load(source, new BlockSpan(0, 2), others, shared: [held]));

        Assert.Equal(ModelError.InvalidArgument, exception.Error);
    }

    [Fact]
    public void Forward_LongerThanAPass_SameBitsAsShortSteps()
    {
        using var runner = new ModelRunner("random:100KiB:q4_0", new CpuKernels(2), positions: 700);
        int[] ids = Ids(runner.Config.Vocabulary, 2 * StackScratch.PassTokens + 70);
        Numbers.AssertSameBits(runner.Hidden(ids, 64), runner.Hidden(ids), "one step of several passes");
    }

    [Fact]
    public void Forward_PositionGoesBack_SameAsIfTheRestHadNeverBeen()
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        int width = runner.Config.Hidden;
        int[] ids = Ids(runner.Config.Vocabulary, 80);
        float[] expected = runner.Hidden(ids);
        using KvCache cache = runner.Pool.CreateCache();
        var hidden = new float[ids.Length * width];
        int[] wrong = [.. ids.Select(id => (id + 1) % runner.Config.Vocabulary)];
        runner.Ends.Embed([.. ids.AsSpan(0, 10), .. wrong.AsSpan(10)], 0, hidden);
        runner.Stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)]);
        Assert.Equal(80, cache.Length);

        runner.Ends.Embed(ids, 0, hidden);
        runner.Stack.Forward(hidden.AsSpan(10 * width, 3 * width), [new StackStep(cache, 10, 3)]);
        Assert.Equal(13, cache.Length);
        runner.Stack.Forward(hidden.AsSpan(13 * width), [new StackStep(cache, 13, 67)]);
        Numbers.AssertSameBits(expected.AsSpan(10 * width), hidden.AsSpan(10 * width), "after rollback");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void Forward_PagesThatHeldAnotherSession_SameBits(bool reference)
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), reference ? new ReferenceKernels() : new CpuKernels(1));
        int[] ids = Ids(runner.Config.Vocabulary, 70);
        float[] expected = runner.Hidden(ids, 7);
        using (KvCache other = runner.Pool.CreateCache())
        {
            // All bits set: NaN in any float format.
            Assert.True(other.TryReserve(128));
            foreach (nint page in other.Pages)
                new Span<byte>((void*)page, (int)other.Layout.PageBytes).Fill(0xFF);
        }

        Numbers.AssertSameBits(expected, runner.Hidden(ids, 7), "on used pages");
    }

    [Fact]
    public void Forward_EveryBlock_TakesTheJoinedProducts()
    {
        var kernels = new CpuKernels(1);
        using var runner = new ModelRunner(TestData.Path(Tiny), kernels);
        runner.Hidden(Ids(runner.Config.Vocabulary, 3));
        Assert.Equal(runner.Config.Blocks, kernels.Counters.MatMulThree);
        Assert.Equal(runner.Config.Blocks, kernels.Counters.MatMulGated);
        Assert.Equal(2 * runner.Config.Blocks, kernels.Counters.MatMulAdd);
    }

    [Fact]
    public void Forward_AfterTheFirstOfASize_AllocatesNothing()
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(2));
        using KvCache cache = runner.Pool.CreateCache();
        Assert.True(cache.TryReserve(200));
        var hidden = new float[16 * runner.Config.Hidden];
        var logits = new float[runner.Config.Vocabulary];
        int[] ids = Ids(runner.Config.Vocabulary, 16);
        Pass(0);
        Pass(16);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int position = 32; position < 192; position += 16)
            Pass(position);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Pass(int position)
        {
            runner.Ends.Embed(ids, 0, hidden);
            var step = new StackStep(cache, position, 16);
            runner.Stack.Forward(hidden, new ReadOnlySpan<StackStep>(in step));
            runner.Ends.Logits(hidden.AsSpan(0, runner.Config.Hidden), 1, logits);
        }
    }

    [Fact]
    public void Forward_DecodeOfSeveralSessions_AllocatesNothing()
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(2));
        int width = runner.Config.Hidden, vocabulary = runner.Config.Vocabulary, context = runner.Config.Context;
        using KvCache first = runner.Pool.CreateCache(), second = runner.Pool.CreateCache();
        Assert.True(first.TryReserve(context) && second.TryReserve(context));
        var hidden = new float[8 * width];
        var logits = new float[2 * vocabulary];
        int[] ids = Ids(vocabulary, 8), history = Ids(vocabulary, 20);
        var sampler = new Sampler(new SamplingOptions { Temperature = 1, TopK = 20, TopP = 0.9f, RepeatPenalty = 1.1f });
        var steps = new StackStep[2];
        int at = 0;
        for (; at < 68; at += 4)
        {
            Step(at, 1);
            Step(at, 4);
        }

        // Over the ends of pages, prompts' pieces between.
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (; at + 8 <= Math.Min(context, 400); at += 4)
        {
            Step(at, 1);
            Step(at, 4);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.InRange(at, 200, 400);

        void Step(int position, int count)
        {
            runner.Ends.Embed(ids.AsSpan(0, 2 * count), 0, hidden.AsSpan(0, 2 * count * width));
            steps[0] = new StackStep(first, position, count);
            steps[1] = new StackStep(second, position, count);
            runner.Stack.Forward(hidden.AsSpan(0, 2 * count * width), steps);
            runner.Ends.Logits(hidden.AsSpan(0, 2 * width), 2, logits);
            sampler.Sample(logits.AsSpan(0, vocabulary), history, position);
        }
    }

    [Fact]
    public void Load_Span_ReadsItsTensorsAndNoOthers()
    {
        using ModelSource source = ModelSource.Open(TestData.DefaultModel);
        using var kernels = new CpuKernels(1);
        var span = new BlockSpan(10, 13);
        var progress = new List<LoadProgress>();
        using BlockStack stack = BlockStack.Load(source, span, kernels, progress.Add);
        long expected = source.Tensors.Tensors
            .Where(tensor => new[] { "blk.10.", "blk.11.", "blk.12." }.Any(tensor.Name.StartsWith))
            .Sum(tensor => tensor.ByteLength);
        Assert.Equal(expected, stack.BytesRead);
        Assert.Equal(expected, source.Tensors.BytesTouched);
        Assert.Equal(expected, source.StoredBytes(span));
        Assert.Equal([10, 11, 12], progress.Select(item => item.Block));
        Assert.Equal(new LoadProgress(12, 3, 3, expected, expected), progress[^1]);

        // Repacking changes the order of bytes, not how many they are.
        Assert.InRange(stack.WeightBytes, expected, expected * 1.02);
    }

    [Fact]
    public void Load_WithManifest_ReadsTheSpanTwiceAndNoOthers()
    {
        using ModelSource source = ModelSource.Open(TestData.Path(Tiny));
        ModelManifest manifest = ModelManifest.Create(source.Tensors);
        using ModelSource again = ModelSource.Open(TestData.Path(Tiny));
        using var kernels = new CpuKernels(1);
        using BlockStack stack = BlockStack.Load(again, new BlockSpan(1, 2), kernels, verify: manifest);
        Assert.Equal(2 * again.StoredBytes(1), again.Tensors.BytesTouched);
    }

    [Fact]
    public void Load_ATensorThatDiffersFromTheManifest_CorruptModelNamesIt()
    {
        using var folder = new TemporaryFolder();
        ModelManifest manifest;
        using (ModelSource source = ModelSource.Open(TestData.Path(Tiny)))
            manifest = ModelManifest.Create(source.Tensors);
        foreach (string file in Directory.GetFiles(TestData.Path(Tiny)))
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        byte[] weights = File.ReadAllBytes(Path.Combine(folder.Path, "model.safetensors"));

        // Within model.layers.2.mlp.down_proj.weight: 8 + 4000 of header, then its offset.
        weights[4008 + 513_920] ^= 1;
        folder.Write("model.safetensors", weights);
        using ModelSource changed = ModelSource.Open(folder.Path);
        using var kernels = new CpuKernels(1);
        using BlockStack other = BlockStack.Load(changed, new BlockSpan(0, 2), kernels, verify: manifest);
        var exception = Assert.Throws<ModelException>(() => BlockStack.Load(changed, new BlockSpan(2, 3), kernels, verify: manifest));
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("model.layers.2.mlp", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(0, 5)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    public void Load_BlocksThatDoNotExist_InvalidArgumentNamesThem(int start, int end)
    {
        using ModelSource source = ModelSource.Open(TestData.Path(Tiny));
        using var kernels = new CpuKernels(1);
        var exception = Assert.Throws<ModelException>(() => BlockStack.Load(source, new BlockSpan(start, end), kernels));
        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains($"{start}:{end}", exception.Message, StringComparison.Ordinal);
        Assert.Contains("0:4", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_Cancelled_Throws()
    {
        using ModelSource source = ModelSource.Open(TestData.Path(Tiny));
        using var kernels = new CpuKernels(1);
        using var cancellation = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            BlockStack.Load(source, source.Config.AllBlocks, kernels, _ => cancellation.Cancel(), cancellationToken: cancellation.Token));
    }

    public static TheoryData<int, int, ModelError> BadSteps => new()
    {
        { -1, 1, ModelError.InvalidArgument },
        { 6, 1, ModelError.InvalidArgument },
        { 0, 0, ModelError.InvalidArgument },
        { 0, -3, ModelError.InvalidArgument },
        { 5, 252, ModelError.ContextExceeded },
        { 5, int.MaxValue, ModelError.ContextExceeded },
    };

    [Theory]
    [MemberData(nameof(BadSteps))]
    public void Forward_AStepThatDoesNotFit_TypedErrorAndTheCacheStays(int position, int count, ModelError expected)
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        using KvCache cache = runner.Pool.CreateCache();
        runner.Stack.Forward(new float[5 * runner.Config.Hidden], [new StackStep(cache, 0, 5)]);
        var hidden = new float[Math.Clamp(count, 0, 300) * runner.Config.Hidden];
        var exception = Assert.Throws<ModelException>(() => runner.Stack.Forward(hidden, [new StackStep(cache, position, count)]));
        Assert.Equal(expected, exception.Error);
        Assert.Equal(5, cache.Length);
    }

    [Fact]
    public void Forward_HiddenOfAnotherLength_InvalidArgument()
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        using KvCache cache = runner.Pool.CreateCache();
        var exception = Assert.Throws<ModelException>(() => runner.Stack.Forward(new float[100], [new StackStep(cache, 0, 2)]));
        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains("100 hidden values", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Forward_PoolExhausted_NoCapacity()
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        using var pool = new KvPool(runner.Stack.KvLayout.PageBytes, runner.Stack.KvLayout);
        using KvCache cache = pool.CreateCache();
        var hidden = new float[65 * runner.Config.Hidden];
        Assert.Equal(ModelError.NoCapacity, Assert.Throws<ModelException>(() => runner.Stack.Forward(hidden, [new StackStep(cache, 0, 65)])).Error);
        runner.Stack.Forward(hidden.AsSpan(0, 64 * runner.Config.Hidden), [new StackStep(cache, 0, 64)]);
    }

    [Fact]
    public void Forward_CacheOfAnotherSpan_InvalidArgument()
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        using var pool = new KvPool(1 << 20, new KvLayout(new BlockSpan(1, 4), 512));
        using KvCache cache = pool.CreateCache();
        var exception = Assert.Throws<ModelException>(() => runner.Stack.Forward(new float[runner.Config.Hidden], [new StackStep(cache, 0, 1)]));
        Assert.Equal(ModelError.InvalidArgument, exception.Error);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(320)]
    public void Embed_IdOutsideTheVocabulary_InvalidArgumentNamesIt(int id)
    {
        using var runner = new ModelRunner(TestData.Path(Tiny), new CpuKernels(1));
        var exception = Assert.Throws<ModelException>(() => runner.Ends.Embed([1, id], 0, new float[2 * runner.Config.Hidden]));
        Assert.Equal(ModelError.InvalidArgument, exception.Error);
        Assert.Contains($"{id}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_MatrixOfAnotherShape_CorruptModelNamesTensorAndShapes()
    {
        using var folder = new TemporaryFolder();
        File.Copy(TestData.Path(Tiny + "/model.safetensors"), Path.Combine(folder.Path, "model.safetensors"));
        folder.Write("config.json", File.ReadAllText(TestData.Path(Tiny + "/config.json")).Replace("\"intermediate_size\": 160", "\"intermediate_size\": 192", StringComparison.Ordinal));
        using ModelSource source = ModelSource.Open(folder.Path);
        using var kernels = new CpuKernels(1);
        var exception = Assert.Throws<ModelException>(() => BlockStack.Load(source, new BlockSpan(0, 1), kernels));
        Assert.Equal(ModelError.CorruptModel, exception.Error);
        Assert.Contains("gate_proj.weight has shape [160, 64], expected [192, 64]", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ends_OfTiedModel_HoldTheMatrixOnce()
    {
        using ModelSource source = ModelSource.Open(TestData.DefaultModel);
        using var kernels = new CpuKernels(1);
        using ModelEnds ends = ModelEnds.Load(source, kernels);
        Assert.True(source.Tensors.TryGet("token_embd.weight", out TensorInfo embedding));
        Assert.InRange(ends.WeightBytes, embedding.ByteLength, embedding.ByteLength * 1.01);
        Assert.Equal(ends.BytesRead, source.Tensors.BytesTouched);
    }

    private static ModelRunner Open(string model, int threads)
    {
        string path = model == "default" ? TestData.DefaultModel : model.StartsWith("random:", StringComparison.Ordinal) ? model : TestData.Path(model);
        return new ModelRunner(path, new CpuKernels(threads));
    }

    private static int[] Ids(int vocabulary, int count) =>
        [.. Enumerable.Range(0, count).Select(i => (int)(((uint)i * 2654435761u >> 7) % (uint)vocabulary))];

    /// <summary>So many sessions decode the same text in one pass a step, each at a position of its own.</summary>
    private static void AssertBatch(ModelRunner runner, int[] ids, float[] expected, int batch)
    {
        int width = runner.Config.Hidden;
        KvCache[] caches = [.. Enumerable.Range(0, batch).Select(_ => runner.Pool.CreateCache())];
        try
        {
            // Session s starts with s + 1 tokens, then all advance together, token by token.
            int[] positions = new int[batch];
            for (int round = 0; round < 6; round++)
            {
                StackStep[] steps = [.. caches.Select((cache, s) => new StackStep(cache, positions[s], round == 0 ? 3 * s + 1 : 1))];
                int[] batchIds = [.. steps.SelectMany(step => ids.Skip(step.Position).Take(step.Count))];
                var hidden = new float[batchIds.Length * width];
                runner.Ends.Embed(batchIds, 0, hidden);
                runner.Stack.Forward(hidden, steps);
                int first = 0;
                for (int s = 0; s < batch; s++)
                {
                    Numbers.AssertSameBits(
                        expected.AsSpan(steps[s].Position * width, steps[s].Count * width), hidden.AsSpan(first * width, steps[s].Count * width), $"session {s} of {batch}");
                    first += steps[s].Count;
                    positions[s] += steps[s].Count;
                }
            }
        }
        finally
        {
            foreach (KvCache cache in caches)
                cache.Dispose();
        }
    }

    private static void AssertParts(ModelRunner runner, int[] ids, float[] expected)
    {
        using KvCache cache = runner.Pool.CreateCache();
        var hidden = new float[expected.Length];
        runner.Ends.Embed(ids, 0, hidden);
        int middle = Math.Max(1, runner.Config.Blocks / 3);
        runner.Stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)], new BlockSpan(0, middle));
        runner.Stack.Forward(hidden, [new StackStep(cache, 0, ids.Length)], new BlockSpan(middle, runner.Config.Blocks));
        Numbers.AssertSameBits(expected, hidden, "two parts");
    }
}
