namespace Swarm.Hub.Tests;

public sealed class RangeSetTests
{
    [Fact]
    public void AddRemoveMissing_RandomRanges_AreThoseOfABitmap()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var set = new RangeSet();
            bool[] here = new bool[64];
            for (int step = 0; step < 20; step++)
            {
                int start = random.Next(64);
                var range = new ByteRange(start, start + random.Next(64 - start));
                bool adds = random.Next(3) > 0;
                if (adds)
                    set.Add(range);
                else
                    set.Remove(range);
                Array.Fill(here, adds, start, (int)range.Length);
                int from = random.Next(64);
                var asked = new ByteRange(from, from + random.Next(64 - from));
                bool[] missing = new bool[64];
                foreach (ByteRange one in set.Missing(asked))
                    Array.Fill(missing, true, (int)one.Start, (int)one.Length);

                Assert.Equal(here.Count(bit => bit), set.Length);
                Assert.Equal(Enumerable.Range(0, 64).Select(i => i >= asked.Start && i < asked.End && !here[i]), missing);
                Assert.Equal(set.Missing(asked).Count == 0, set.Contains(asked));
                Assert.All(set.Ranges.Zip(set.Ranges.Skip(1)), pair => Assert.True(pair.First.End < pair.Second.Start, $"seed {seed}: {pair}"));
            }
        }
    }
}
