#include "pg/store.hpp"
namespace assist::pg { void save_store() {} void load_store() {} }
