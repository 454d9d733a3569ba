#ifndef SIGNALBOX_SERVICE_POSTGRES_FILE_DESCRIPTOR_H
#define SIGNALBOX_SERVICE_POSTGRES_FILE_DESCRIPTOR_H

#include <unistd.h>

#include <utility>

namespace signalbox::service {

/// Owns a file descriptor and closes it; -1 means none.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() { Close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      Close();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }

  int get() const { return number_; }
  bool IsOpen() const { return number_ >= 0; }
  void Close() {
    if (number_ >= 0) close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_FILE_DESCRIPTOR_H
